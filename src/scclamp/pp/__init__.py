"""Preprocessing: labels, recipe and splits."""

from __future__ import annotations

__all__: list[str] = []
