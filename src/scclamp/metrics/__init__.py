"""Scores of networks and predictions."""

from scclamp.metrics._auprc import auprc
from scclamp.metrics._auroc import auroc
from scclamp.metrics._bootstrap_ci import bootstrap_ci
from scclamp.metrics._cell_correlation import cell_correlation
from scclamp.metrics._centroid_accuracy import centroid_accuracy
from scclamp.metrics._cosine_delta import cosine_delta
from scclamp.metrics._cross_fit_correlation import cross_fit_correlation
from scclamp.metrics._de_overlap import de_overlap
from scclamp.metrics._de_precision import de_precision
from scclamp.metrics._de_score import de_score
from scclamp.metrics._de_spearman import de_spearman
from scclamp.metrics._describe import describe
from scclamp.metrics._direction_accuracy import direction_accuracy
from scclamp.metrics._discrimination_score import discrimination_score
from scclamp.metrics._edge_recovery import edge_recovery
from scclamp.metrics._effective_rank import effective_rank
from scclamp.metrics._energy_distance import energy_distance
from scclamp.metrics._frobenius_norm import frobenius_norm
from scclamp.metrics._l2 import l2
from scclamp.metrics._mae import mae
from scclamp.metrics._mse import mse
from scclamp.metrics._network_agreement import network_agreement
from scclamp.metrics._network_recovery import network_recovery
from scclamp.metrics._pearson_centroid import pearson_centroid
from scclamp.metrics._pearson_delta import pearson_delta
from scclamp.metrics._r2 import r2
from scclamp.metrics._replicate_ceiling import replicate_ceiling
from scclamp.metrics._residual_projection import residual_projection
from scclamp.metrics._retrieval import retrieval
from scclamp.metrics._rho import rho
from scclamp.metrics._rho_nonadd import rho_nonadd
from scclamp.metrics._shift_ranking import shift_ranking
from scclamp.metrics._sign_accuracy import sign_accuracy
from scclamp.metrics._sinkhorn_distance import sinkhorn_distance
from scclamp.metrics._skill import skill
from scclamp.metrics._spearman_brown import spearman_brown
from scclamp.metrics._top_genes import top_genes
from scclamp.metrics._transfer_recovery import transfer_recovery

__all__ = [
    "auprc",
    "auroc",
    "bootstrap_ci",
    "cell_correlation",
    "centroid_accuracy",
    "cosine_delta",
    "cross_fit_correlation",
    "de_overlap",
    "de_precision",
    "de_score",
    "de_spearman",
    "describe",
    "direction_accuracy",
    "discrimination_score",
    "edge_recovery",
    "effective_rank",
    "energy_distance",
    "frobenius_norm",
    "l2",
    "mae",
    "mse",
    "network_agreement",
    "network_recovery",
    "pearson_centroid",
    "pearson_delta",
    "r2",
    "replicate_ceiling",
    "residual_projection",
    "retrieval",
    "rho",
    "rho_nonadd",
    "shift_ranking",
    "sign_accuracy",
    "sinkhorn_distance",
    "skill",
    "spearman_brown",
    "top_genes",
    "transfer_recovery",
]
