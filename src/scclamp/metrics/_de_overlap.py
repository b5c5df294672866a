"""Overlap of the genes that move most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp._arguments import require_whole
from scclamp.metrics._de_sets import shared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def de_overlap(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    n: int = 50,
    significant: ArrayLike | None = None,
    predicted_significant: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Overlap@N: share of the n largest observed shifts that are among the n largest predicted ones.

    As STRAND's eq. S39 and cell-eval: where fewer than n genes are significant, n becomes that number. Shifts of means
    of log-normalised expression stand for the log fold changes. A gene that is predicted not to move is in no set.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    n
        Size of the sets.
    significant, predicted_significant
        Which genes are significant, observed and predicted: conditions x genes, or genes. All that moved by default.
    exclude
        True where a gene does not count: conditions x genes, or genes.

    Returns
    -------
    One value for each condition, 0 to 1; genes tied at the n-th share the places left. NaN where nothing was observed to
    move and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.de_overlap([[3.0, 0.1, 2.0, 0.0]], [[4.0, -3.0, 1.0, 0.0]], control=[0.0] * 4, n=2)
    array([0.5])
    """
    n = require_whole("n", n)
    return shared(
        predicted,
        observed,
        control=control,
        significant=significant,
        predicted_significant=predicted_significant,
        exclude=exclude,
        sizes=lambda called, truly: (min(n, truly), min(n, truly), min(n, truly)),
    )
