"""Where a condition's own observation ranks among those of all conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scclamp._errors import InputError
from scclamp.metrics._candidates import as_finite
from scclamp.metrics._judged import Judged, as_rows, judge

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Metric = Literal["l1", "l2", "cosine"]
METRICS = ("l1", "l2", "cosine")

_BLOCK = 1 << 15
"""Numbers that are worked on at a time: few enough to stay in a core's cache."""


@dataclass(frozen=True, eq=False)
class Standing:
    """How many other observations are closer to a prediction than its own, and how many are as close."""

    closer: Floats
    tied: Floats
    n_others: int

    @property
    def share_closer(self) -> Floats:
        """Mid-rank of the own observation from 0 (closest) to 1; NaN without others."""
        if self.n_others == 0:
            return np.full(self.closer.shape, np.nan)
        return (self.closer + 0.5 * self.tied) / self.n_others


def standing(pair: Judged, metric: Metric, distractors: Judged | None) -> Standing:
    """Rank the own observation of each condition by its distance to the prediction, on the genes that count there.

    Parameters
    ----------
    pair
        What is compared.
    metric
        Distance.
    distractors
        More observations that compete.
    """
    candidates, grain = as_finite(pair.observed, "observed"), pair.observed_grain
    if distractors is not None:
        candidates = np.concatenate([candidates, distractors.observed])
        grain = np.concatenate([grain, distractors.observed_grain])
    closer, tied = np.full(len(pair.keep), np.nan), np.full(len(pair.keep), np.nan)
    for row in np.flatnonzero(pair.defined):
        count, point = pair.keep[row], pair.predicted[row]
        if metric == "cosine" and np.abs(point[count]).max() <= pair.predicted_grain[row]:
            continue
        distance = _distances(point[count], None if count.all() else count, candidates, metric, grain)
        own, others = distance[row], np.delete(distance, row)
        if not np.isnan(own):
            # An observation without a shift has no direction and is close to nothing.
            closer[row], tied[row] = (others < own).sum(), (others == own).sum()
    return Standing(closer, tied, len(candidates) - 1)


def rivals(distractors: ArrayLike | None, control: ArrayLike | None, n_genes: int) -> Judged | None:
    """Check observations that compete with those under judgement; with a control, their shifts from it."""
    if distractors is None:
        return None
    values = as_rows("distractors", distractors)
    if values.shape[1] != n_genes:
        raise InputError(
            f"distractors has {values.shape[1]} genes, but observed has {n_genes}. Bring both to the same genes."
        )
    if control is not None and np.ndim(control) != 1:
        raise InputError(
            f"control has shape {np.shape(control)}, so that distractors= have no control. Pass one profile of "
            f"{n_genes} genes."
        )
    as_finite(values, "distractors")
    return judge(distractors, distractors, control=control)


def _distances(point: Floats, count: Bools | None, candidates: Floats, metric: Metric, grain: Floats) -> Floats:
    found = np.empty(len(candidates))
    step = max(1, _BLOCK // candidates.shape[1])
    for start in range(0, len(candidates), step):
        rows = slice(start, start + step)
        block = candidates[rows] if count is None else np.compress(count, candidates[rows], axis=1)
        found[rows] = _from_block(point, block, metric, grain[rows])
    return found


def _from_block(point: Floats, block: Floats, metric: Metric, grain: Floats) -> Floats:
    # Sums over an axis, not matrix products: equal observations must come out exactly as far.
    if metric == "l1":
        return np.abs(block - point).sum(axis=1)
    if metric == "l2":
        return np.sqrt(np.square(block - point).sum(axis=1))
    norms = np.sqrt(np.square(block).sum(axis=1))
    return -(block * point).sum(axis=1) / np.where(np.abs(block).max(axis=1) > grain, norms, np.nan)
