"""Tools: fit a network to a screen, and predict from it."""

from scclamp.tl._baselines import baselines
from scclamp.tl._benchmark import benchmark
from scclamp.tl._enrich import enrich
from scclamp.tl._evaluate import evaluate
from scclamp.tl._fit import fit
from scclamp.tl._predict_clamps import predict_clamps
from scclamp.tl._probe_features import probe_features
from scclamp.tl._probe_grn import probe_grn
from scclamp.tl._report import report
from scclamp.tl._transmission import transmission

__all__ = [
    "baselines",
    "benchmark",
    "enrich",
    "evaluate",
    "fit",
    "predict_clamps",
    "probe_features",
    "probe_grn",
    "report",
    "transmission",
]
