"""The genes that move most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scclamp.metrics._judged import Judged
from scclamp.metrics._ranks import top_share

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def largest(shift: Floats, keep: Bools, n: int) -> Bools:
    """Mark the n largest absolute shifts of each condition among the genes that count; the earlier gene if tied."""
    size = np.where(keep, np.abs(shift), -1.0)
    order = np.argsort(-size, axis=1, kind="stable")[:, :n]
    marked = np.zeros(keep.shape, dtype=bool)
    np.put_along_axis(marked, order, True, axis=1)
    return marked & keep


def top_shares(shift: Floats, allowed: Bools, k: int) -> Floats:
    """Weight of each gene in the top k of one condition by absolute shift; those tied at the k-th share the rest."""
    size = np.where(allowed, np.abs(shift), 0.0)
    k = min(k, int((size > 0).sum()))
    return top_share(size, k) if k else np.zeros(size.shape)


def moved(shift: Floats, grain: Floats, significant: Bools | None, pair: Judged) -> Bools:
    """Genes that count, are significant where that is known, and moved by more than rounding."""
    found = pair.keep & pair.defined[:, None] & (np.abs(np.nan_to_num(shift)) > grain[:, None])
    return found if significant is None else found & significant
