"""Probes: questions to an encoder, without any network in between."""

from scclamp.probes._edge_nulls import edge_nulls
from scclamp.probes._edge_splits import dataset_disjoint, gene_disjoint
from scclamp.probes._embedding_baselines import (
    embedding_shift,
    embedding_similarity,
    embedding_sum,
    silencing_change,
)
from scclamp.probes._ensemble import mean_logit, standardised_mean
from scclamp.probes._gradient_trajectory import gradient_path, gradient_trajectory, path_of
from scclamp.probes._leave_out import Transfer, leave_out
from scclamp.probes._negatives import sample_negatives
from scclamp.probes._pair_features import PairFeatures
from scclamp.probes._preserved import captured, preserved, regulatory_weight
from scclamp.probes._translator import Translator
from scclamp.probes._transmitted import infinitesimal_transmission, transmission
from scclamp.probes._virtual_value import effect_and_strength, virtual_value_perturbation

__all__ = [
    "PairFeatures",
    "Transfer",
    "Translator",
    "captured",
    "dataset_disjoint",
    "edge_nulls",
    "effect_and_strength",
    "embedding_shift",
    "embedding_similarity",
    "embedding_sum",
    "gene_disjoint",
    "gradient_path",
    "gradient_trajectory",
    "infinitesimal_transmission",
    "leave_out",
    "mean_logit",
    "path_of",
    "preserved",
    "regulatory_weight",
    "sample_negatives",
    "silencing_change",
    "standardised_mean",
    "transmission",
    "virtual_value_perturbation",
]
