"""Plots: a fit's course, its network, its predictions."""

from scclamp.pl._adjacency import adjacency
from scclamp.pl._benchmark import benchmark
from scclamp.pl._correlations import correlations
from scclamp.pl._enrichment import enrichment
from scclamp.pl._loss import loss
from scclamp.pl._network import network
from scclamp.pl._nonadditive import nonadditive
from scclamp.pl._predictions import predictions
from scclamp.pl._transmission import transmission
from scclamp.pl._verdict import verdict
from scclamp.pl._waterfall import waterfall

__all__ = [
    "adjacency",
    "benchmark",
    "correlations",
    "enrichment",
    "loss",
    "network",
    "nonadditive",
    "predictions",
    "transmission",
    "verdict",
    "waterfall",
]
