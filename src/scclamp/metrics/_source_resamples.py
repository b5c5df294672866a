"""Average precision of many resamples of the sources of a ranking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_AT_ONCE = 1_000_000
"""Pairs times resamples in memory."""


def source_counts(n_sources: int, n_boot: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """How often each source is drawn in each resample (n_boot, sources)."""
    return rng.multinomial(n_sources, np.full(n_sources, 1 / n_sources), size=n_boot)


def resampled_auprc(scores: Floats, labels: NDArray[np.bool_], source: NDArray, counts: NDArray) -> Floats:
    """Average precision when each source, with all its pairs, counts as often as it was drawn; NaN without an edge.

    Parameters
    ----------
    scores, labels
        Of each pair (n,).
    source
        Position of the source of each pair (n,).
    counts
        Of each resample (n_boot, sources).
    """
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    true, code = labels[order], source[order]
    found = np.full(len(counts), np.nan)
    size = max(1, _AT_ONCE // len(order))
    for start in range(0, len(counts), size):
        weight = counts[start : start + size, code].astype(np.float64)
        taken, hits = np.cumsum(weight, 1)[:, last], np.cumsum(weight * true, 1)[:, last]
        any_edge = hits[:, -1] > 0
        # A threshold at which nothing was taken gains nothing either.
        area = (hits / np.maximum(taken, 1) * np.diff(hits, prepend=0.0)).sum(1)
        found[start : start + size][any_edge] = area[any_edge] / hits[any_edge, -1]
    return found


def resampled_chance(labels: NDArray[np.bool_], source: NDArray, counts: NDArray) -> Floats:
    """Share of edges in each resample."""
    edges = np.bincount(source, weights=labels, minlength=counts.shape[1])
    pairs = np.bincount(source, minlength=counts.shape[1])
    share: Floats = (counts @ edges) / (counts @ pairs)
    return share
