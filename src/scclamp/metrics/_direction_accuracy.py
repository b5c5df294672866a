"""Signs of predicted shifts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._arguments import require_whole
from scclamp.metrics._judged import as_mask, judge
from scclamp.metrics._top import largest, moved

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def direction_accuracy(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    top: int | None = None,
    significant: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Share of genes whose predicted shift from the observed control has the observed sign.

    A gene that did not move has no direction and is not judged; a gene that moved and is predicted not to is wrong.
    STRAND's eq. S36 judges only genes that both sides call significant: pass the intersection as `significant`. That
    drops every gene a prediction missed, and so rewards calling few; cell-eval judges all truly significant ones.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    top
        Judge the genes with this many largest absolute observed shifts; 20 in scBIG. All by default.
    significant
        Judge only genes marked True, such as the truly differentially expressed: conditions x genes, or genes.
    exclude
        True where a gene does not count: conditions x genes, or genes.

    Returns
    -------
    One value for each condition. NaN where no gene is left to judge and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.direction_accuracy([[0.1, -3.0, 0.0, 5.0]], [[2.0, 1.0, -1.0, 0.0]], control=[0.0] * 4)
    array([0.3333])
    """
    pair = judge(predicted, observed, exclude=exclude, control=control)
    chosen = None if significant is None else as_mask("significant", significant, pair.keep.shape)
    genes = moved(pair.observed, pair.observed_grain, chosen, pair)
    if top is not None:
        genes = largest(pair.observed, genes, require_whole("top", top))
    called = np.where(moved(pair.predicted, pair.predicted_grain, None, pair), np.sign(pair.predicted), 0.0)
    n = genes.sum(axis=1)
    right = (genes & (called == np.sign(pair.observed))).sum(axis=1)
    return pair.scores(np.where(n > 0, right / np.maximum(n, 1), np.nan))
