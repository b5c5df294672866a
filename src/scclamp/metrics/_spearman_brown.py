"""Reliability of more data than was correlated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def spearman_brown(correlation: ArrayLike, factor: float = 2.0) -> NDArray[np.float64]:
    """Correlation of two replicates of `factor` times the size, from that of two of size one.

    ``factor * r / (1 + (factor - 1) * r)``. The formula holds for r of at least 0; below, where a correlation is noise
    and the formula runs off to minus infinity, the value is returned as it is, so that averages stay sane. To correct an
    average, average first: the mean of corrected values is too large.

    Parameters
    ----------
    correlation
        Correlation of two halves; any shape.
    factor
        How many times larger; 2 for the whole, from its halves.

    Returns
    -------
    Corrected correlations; NaN stays NaN.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.spearman_brown([0.5, 0.0, -0.2])
    array([ 0.6667,  0.    , -0.2   ])
    """
    if not (np.isfinite(factor) and factor > 0):
        raise InputError(f"factor={factor!r} must be positive and finite. It is 2 for the whole, from its halves.")
    r = np.asarray(correlation, dtype=np.float64)
    if (np.abs(r) > 1).any():
        raise InputError(
            f"correlation holds {r[np.abs(r) > 1][0]:g}, which is no correlation. Pass values from -1 to 1."
        )
    return np.where(r > 0, factor * r / (1 + (factor - 1) * np.maximum(r, 0.0)), r)
