"""Average precision of many resamples of the sources of a ranking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
    for at, count in enumerate(counts):
        weight = count[code].astype(np.float64)
        taken, hits = np.cumsum(weight)[last], np.cumsum(weight * true)[last]
        if hits[-1] > 0:
            # A threshold at which nothing was taken gains nothing either.
            found[at] = (hits / np.maximum(taken, 1)) @ np.diff(hits, prepend=0.0) / hits[-1]
    return found


def resampled_chance(labels: NDArray[np.bool_], source: NDArray, counts: NDArray) -> Floats:
    """Share of edges in each resample."""
    edges = np.bincount(source, weights=labels, minlength=counts.shape[1])
    pairs = np.bincount(source, minlength=counts.shape[1])
    share: Floats = (counts @ edges) / (counts @ pairs)
    return share
