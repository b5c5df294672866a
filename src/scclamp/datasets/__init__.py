"""Data sets: simulated screens with a known network."""

from __future__ import annotations

from scclamp.datasets._simulated import simulated

__all__ = ["simulated"]
