"""Checks of a network."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scclamp._errors import InputError
from scclamp.metrics._candidates import as_finite


def as_network(weights: ArrayLike) -> NDArray[np.float64]:
    """Return finite weights, genes x regulators, or say what came instead."""
    array = as_finite(weights, "weights")
    if array.ndim != 2 or not array.size:
        raise InputError(
            f"weights has shape {array.shape}, but must be genes x regulators, with at least one of each. "
            "get.adjacency() and varm['clamp_A'] hold such."
        )
    return array
