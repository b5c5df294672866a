"""Encoders: differentiable lenses on the state."""

from __future__ import annotations

__all__: list[str] = []
