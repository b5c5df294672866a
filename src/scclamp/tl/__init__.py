"""Tools: fit a network to a screen, and predict from it."""

from __future__ import annotations

from scclamp.tl._fit import fit
from scclamp.tl._predict_clamps import predict_clamps

__all__ = ["fit", "predict_clamps"]
