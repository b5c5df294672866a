"""Correlation of predicted and observed shifts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scclamp._arguments import require_whole
from scclamp.metrics._correlation import correlations
from scclamp.metrics._judged import judge
from scclamp.metrics._top import largest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def pearson_delta(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    top: int | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Pearson correlation over genes of the predicted and the observed shift from the observed control.

    The reference is always the real control, never a predicted one, which would move the score (see `rho` for the
    paper's own). STRAND's eq. S37 correlates *absolute* shifts, so that a prediction with every sign wrong scores 1;
    here shifts keep their signs, as in cell-eval.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    top
        Correlate over the genes with this many largest absolute observed shifts; 20 for the "top-20 DE" of the
        literature. Ties go to the earlier gene.
    exclude
        True where a gene does not count, such as the clamped ones: conditions x genes, or genes.

    Returns
    -------
    One value for each condition. NaN where either shift is constant up to rounding (as for a prediction of no change),
    where fewer than two genes count, and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.pearson_delta([[2.0, 3.0, 1.0]], [[3.0, 5.0, 1.0]], control=[1.0, 1.0, 1.0])
    array([1.])
    """
    pair = judge(predicted, observed, exclude=exclude, control=control)
    if top is not None:
        pair = replace(pair, keep=largest(pair.observed, pair.keep, require_whole("top", top)))
    return correlations(pair)
