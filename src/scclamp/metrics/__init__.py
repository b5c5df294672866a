"""Scores of networks and predictions."""

from __future__ import annotations

__all__: list[str] = []
