"""Tools: fit a network, predict clamps, evaluate."""

from __future__ import annotations

__all__: list[str] = []
