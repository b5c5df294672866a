"""Tools: fit a network to a screen, and predict from it."""

from __future__ import annotations

from scclamp.tl._fit import fit

__all__ = ["fit"]
