"""Data sets, simulated and real."""

from __future__ import annotations

__all__: list[str] = []
