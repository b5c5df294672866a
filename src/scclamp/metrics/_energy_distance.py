"""Energy distance of two samples of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp._errors import InputError
from scclamp.metrics._cells import as_samples, mean_distance, mean_distance_within

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def energy_distance(predicted: ArrayLike, observed: ArrayLike, *, unbiased: bool = False) -> float:
    """Energy distance of the predicted and the observed cells of one condition.

    ``2 E|X - Y| - E|X - X'| - E|Y - Y'|`` with Euclidean norms. Names differ: scBIG calls this the squared energy
    distance (as statisticians do), STRAND the unsquared one; the formula is the same, and scipy's `energy_distance` is
    its root. Both take the cells' first 50 principal components, fitted on training cells.

    Parameters
    ----------
    predicted, observed
        Cells x features, in one space.
    unbiased
        Leave the zero distance of a cell to itself out of the means within. Else a sample has a positive distance to
        another of the same distribution, the larger the fewer the cells. cell-eval leaves it in.

    Returns
    -------
    The distance, 0 for equal samples; it can be below zero when `unbiased`.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.energy_distance([[0.0], [2.0]], [[1.0], [3.0]])
    1.0
    """
    x, y = as_samples(predicted, observed)
    if unbiased and min(len(x), len(y)) < 2:
        raise InputError(
            f"unbiased=True needs two cells on each side, but predicted has {len(x)} and observed {len(y)}. Pass more "
            "cells, or unbiased=False."
        )
    within = mean_distance_within(x, unbiased=unbiased) + mean_distance_within(y, unbiased=unbiased)
    return 2 * mean_distance(x, y) - within
