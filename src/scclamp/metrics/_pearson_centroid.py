"""Correlation of what is particular to a perturbation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp.metrics._correlation import correlations
from scclamp.metrics._judged import judge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def pearson_centroid(
    predicted: ArrayLike, observed: ArrayLike, *, centroid: ArrayLike, exclude: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Pearson correlation of predicted and observed shifts from the perturbed centroid, after Systema.

    What all perturbations do alike (stress, cell cycle) is in the centroid and earns nothing; predicting the mean
    response for every condition has no score at all.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    centroid
        Equal-weight mean of the mean expression of all *training* perturbations, the control left out: genes, or
        conditions x genes.
    exclude
        True where a gene does not count: conditions x genes, or genes. For Systema's top 20 pass
        ``~top_genes(observed, control=control)``: those are chosen by their shift from the control.

    Returns
    -------
    One value for each condition. NaN where either shift is constant up to rounding, where fewer than two genes count,
    and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.pearson_centroid([[2.0, 3.0, 1.0]], [[1.0, 5.0, 1.0]], centroid=[2.0, 2.0, 2.0])
    array([0.8660])
    """
    return correlations(judge(predicted, observed, exclude=exclude, control=centroid))
