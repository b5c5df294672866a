"""The command line, for work without writing Python: `scclamp fit`, `edges`, `predict`, `evaluate`, `benchmark`, `enrich`, `report`, `datasets`."""

from __future__ import annotations

from scclamp.cli._main import main

__all__ = ["main"]
