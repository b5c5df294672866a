"""Precision of the genes that are predicted to move most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp._arguments import require_whole
from scclamp.metrics._de_sets import shared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def de_precision(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    n: int = 50,
    ranked_truth: bool = True,
    significant: ArrayLike | None = None,
    predicted_significant: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Precision@N: share of the n largest predicted shifts that are truly differentially expressed.

    STRAND says so in words, but its eq. S38, like cell-eval, asks that they be among the n largest observed shifts; that
    differs from Overlap@N only where fewer than n genes are significant, and where all are it is the same number twice.
    `ranked_truth` chooses.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    n
        Size of the set; the number of genes predicted to move, if that is smaller.
    ranked_truth
        Compare with as many of the largest observed shifts (the formula); else with all significant genes (the words).
    significant, predicted_significant
        Which genes are significant, observed and predicted: conditions x genes, or genes. All that moved by default.
    exclude
        True where a gene does not count: conditions x genes, or genes.

    Returns
    -------
    One value for each condition, 0 to 1; genes tied at the n-th share the places left. NaN where no gene is predicted to
    move (cell-eval: 0) and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> state, seen, control = [[3.0, 0.1, 2.0, 0.0]], [[4.0, -3.0, 1.0, 0.0]], [0.0] * 4
    >>> sc_c.metrics.de_precision(state, seen, control=control, n=2)
    array([0.5])
    >>> sc_c.metrics.de_precision(state, seen, control=control, n=2, ranked_truth=False)
    array([1.])
    """
    n = require_whole("n", n)

    def sizes(called: int, truly: int) -> tuple[int, int, int]:
        size = min(n, called)
        return size, size if ranked_truth else truly, size

    return shared(
        predicted,
        observed,
        control=control,
        significant=significant,
        predicted_significant=predicted_significant,
        exclude=exclude,
        sizes=sizes,
    )
