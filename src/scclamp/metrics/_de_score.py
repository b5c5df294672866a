"""The Virtual Cell Challenge's score of differential expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp.metrics._de_sets import shared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def de_score(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    significant: ArrayLike,
    predicted_significant: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Differential expression score (DES): share of the truly significant genes that are called.

    Where more are called than are true, only as many of the largest predicted shifts count. Three scores go by the name
    DES: this one (Virtual Cell Challenge), scBIG's correlation of fold changes (`de_spearman`), and cell-eval's
    correlation over conditions of the *number* of significant genes.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    significant
        Which genes are truly significant: conditions x genes, or genes.
    predicted_significant
        Which genes a test on predicted cells calls; all predicted to move by default.
    exclude
        True where a gene does not count: conditions x genes, or genes.

    Returns
    -------
    One value for each condition, 0 to 1. NaN where no gene is significant and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> state, seen, true = [[3.0, 0.1, 2.0, 0.0]], [[4.0, -3.0, 1.0, 0.0]], [True, True, False, False]
    >>> sc_c.metrics.de_score(state, seen, control=[0.0] * 4, significant=true)
    array([0.5])
    """
    return shared(
        predicted,
        observed,
        control=control,
        significant=significant,
        predicted_significant=predicted_significant,
        exclude=exclude,
        sizes=lambda called, truly: (truly, truly, truly),
    )
