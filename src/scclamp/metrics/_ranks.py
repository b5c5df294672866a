"""Ranks with ties, and correlations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mid_ranks(values: Floats) -> Floats:
    """Ranks from one; tied values share the mean of theirs.

    Examples
    --------
    >>> mid_ranks(np.array([3.0, 1.0, 3.0]))
    array([2.5, 1. , 2.5])
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def pearson(x: Floats, y: Floats) -> float:
    """Pearson correlation; NaN where one side is constant.

    Examples
    --------
    >>> pearson(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    1.0
    """
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    # Scaling first keeps tiny weights from underflowing when squared.
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))


def spearman(x: Floats, y: Floats) -> float:
    """Spearman correlation, ties at their mean rank; NaN where one side is constant."""
    return pearson(mid_ranks(x), mid_ranks(y))


def top_share(magnitudes: Floats, k: int) -> Floats:
    """Weight of each value in the top k: one above the k-th, an equal share among those tied with it.

    Examples
    --------
    >>> top_share(np.array([5.0, 1.0, 1.0, 0.0]), 2)
    array([1. , 0.5, 0.5, 0. ])
    """
    threshold = np.partition(magnitudes, -k)[-k]
    above, tied = magnitudes > threshold, magnitudes == threshold
    return above + tied * ((k - above.sum()) / tied.sum())
