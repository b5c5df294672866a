"""Correlation and cosine of many conditions at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scclamp.metrics._judged import Judged

Floats = NDArray[np.float64]


def correlations(pair: Judged) -> Floats:
    """Pearson correlation over the genes that count, for each condition.

    NaN where a side does not vary by more than the rounding of the numbers it is a difference of, and where fewer than
    two genes count.
    """
    guess, truth = (centred(values, pair) for values in pair.zeroed())
    return _cosines(pair, guess, truth)


def cosines(pair: Judged) -> Floats:
    """Cosine over the genes that count, for each condition; NaN where a side is zero up to rounding."""
    return _cosines(pair, *pair.zeroed())


def centred(values: Floats, pair: Judged) -> Floats:
    """Values that are zero where none counts, minus their mean over the genes that count."""
    n = np.maximum(pair.keep.sum(axis=1, keepdims=True), 1)
    return np.where(pair.keep, values - values.sum(axis=1, keepdims=True) / n, 0.0)


def _cosines(pair: Judged, x: Floats, y: Floats) -> Floats:
    tops = [np.abs(side).max(axis=1, initial=0.0) for side in (x, y)]
    flat = (tops[0] <= pair.predicted_grain) | (tops[1] <= pair.observed_grain)
    # Scaling first keeps tiny shifts from underflowing when squared.
    x, y = (side / np.where(top > 0, top, 1.0)[:, None] for side, top in zip((x, y), tops, strict=True))
    norms = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    values = np.clip((x * y).sum(axis=1) / np.where(norms > 0, norms, 1.0), -1.0, 1.0)
    return pair.scores(np.where(flat, np.nan, values))
