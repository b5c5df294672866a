"""Checks of what is measured twice, on two halves of the cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scclamp._errors import InputError


def as_halves(name: str, values: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return the two halves, or say what came instead; the precision stays, since rounding depends on it."""
    array = np.asarray(values)
    if array.ndim != 3 or len(array) != 2:
        raise InputError(
            f"{name} has shape {array.shape}, but must be 2 halves x conditions x genes. "
            "Stack what the two halves of the cells gave."
        )
    return array[0], array[1]
