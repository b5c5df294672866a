"""Plots of fits and predictions."""

from __future__ import annotations

__all__: list[str] = []
