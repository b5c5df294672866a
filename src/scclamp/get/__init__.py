"""Tidy tables out of a fitted AnnData."""

from scclamp.get._adjacency import adjacency
from scclamp.get._kinetics import kinetics
from scclamp.get._predictions import predictions
from scclamp.get._top_targets import top_targets

__all__ = ["adjacency", "kinetics", "predictions", "top_targets"]
