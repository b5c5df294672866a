"""How much of the regulatory signal survives an encoder, from its transmission along directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def regulatory_weight(shifts: Floats, directions: Floats) -> Floats:
    """Signal of each perturbation along each direction, ``<shift, v>^2``; the sum over perturbations is the paper's w.

    Parameters
    ----------
    shifts
        Observed shifts (perturbations, genes).
    directions
        Orthonormal directions (k, genes).

    Returns
    -------
    Weights (perturbations, k).

    Examples
    --------
    >>> regulatory_weight(np.array([[3.0, 4.0]]), np.eye(2))
    array([[ 9., 16.]])
    """
    return np.square(shifts @ directions.T)


def preserved(weight: Floats, transmission: Floats) -> Floats:
    """Preserved regulatory fraction ``sum w t^2 / sum w`` (equation 8 of the paper); 1 for the identity, 9 for an encoder that triples.

    Parameters
    ----------
    weight, transmission
        Along each direction, on the last axis; other axes broadcast.

    Returns
    -------
    The fraction for each of the other axes; NaN where there is no weight.

    Examples
    --------
    >>> preserved(np.array([3.0, 1.0]), np.array([1.0, 0.5])).item()
    0.8125
    """
    return _ratio((weight * np.square(transmission)).sum(-1), weight.sum(-1))


def captured(weight: Floats, transmission: Floats) -> Floats:
    """How much of all weight survives, cumulated, in the first 1, 2, ... directions.

    Parameters
    ----------
    weight, transmission
        Along each direction, on the last axis.

    Returns
    -------
    Of the same shape; the last is `preserved`.

    Examples
    --------
    >>> captured(np.array([3.0, 1.0]), np.array([1.0, 0.5]))
    array([0.75  , 0.8125])
    """
    return _ratio(np.cumsum(weight * np.square(transmission), -1), weight.sum(-1, keepdims=True))


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan), where=whole > 0)
