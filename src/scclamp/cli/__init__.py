"""The command line: `scclamp fit`, `predict`, `evaluate`, `report` and `datasets`, for work without writing Python."""

from __future__ import annotations

from scclamp.cli._main import main

__all__ = ["main"]
