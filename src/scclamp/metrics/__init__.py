"""Scores of networks and predictions."""

from __future__ import annotations

from scclamp.metrics._auprc import auprc
from scclamp.metrics._auroc import auroc
from scclamp.metrics._cell_correlation import cell_correlation
from scclamp.metrics._edge_recovery import edge_recovery
from scclamp.metrics._shift_ranking import shift_ranking
from scclamp.metrics._sign_accuracy import sign_accuracy

__all__ = ["auprc", "auroc", "cell_correlation", "edge_recovery", "shift_ranking", "sign_accuracy"]
