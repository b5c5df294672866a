"""Distances between two samples of cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scclamp._errors import InputError
from scclamp.metrics._candidates import as_finite

Floats = NDArray[np.float64]

BLOCK = 1024
_ROUNDING = 1e-14


def as_samples(predicted: ArrayLike, observed: ArrayLike) -> tuple[Floats, Floats]:
    """Return two samples of cells in one space, centred together so that distances keep their digits."""
    samples = {"predicted": as_finite(predicted, "predicted"), "observed": as_finite(observed, "observed")}
    for name, sample in samples.items():
        if sample.ndim != 2 or not sample.size:
            raise InputError(
                f"{name} has shape {sample.shape}, but must be cells x features, with at least one of each."
            )
    x, y = samples.values()
    if x.shape[1] != y.shape[1]:
        raise InputError(
            f"predicted has {x.shape[1]} features, but observed has {y.shape[1]}. Bring both to the same space."
        )
    centre = (x.mean(axis=0) + y.mean(axis=0)) / 2
    return x - centre, y - centre


def distance_blocks(x: Floats, y: Floats) -> Iterator[tuple[int, Floats]]:
    """Euclidean distances of a block of rows of x to all rows of y, with the block's first row."""
    squares = (y * y).sum(axis=1)
    for start in range(0, len(x), BLOCK):
        block = x[start : start + BLOCK]
        sizes = (block * block).sum(axis=1)[:, None] + squares
        squared = sizes - 2 * (block @ y.T)
        # Equal cells are rounding apart, whose root is a hundred million times larger.
        yield start, np.sqrt(np.where(squared > _ROUNDING * sizes, squared, 0.0))


def mean_distance(x: Floats, y: Floats) -> float:
    """Mean Euclidean distance of a row of x to a row of y."""
    return sum(float(block.sum()) for _, block in distance_blocks(x, y)) / (len(x) * len(y))


def mean_distance_within(x: Floats, *, unbiased: bool) -> float:
    """Mean Euclidean distance of two rows of x; unbiased leaves out the distance of a row to itself."""
    total = 0.0
    for start, block in distance_blocks(x, x):
        rows = np.arange(len(block))
        block[rows, start + rows] = 0.0
        total += float(block.sum())
    return total / (len(x) * (len(x) - unbiased))
