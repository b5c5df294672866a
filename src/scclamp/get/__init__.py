"""Tidy tables out of a fitted AnnData."""

from __future__ import annotations

__all__: list[str] = []
