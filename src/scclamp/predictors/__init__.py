"""Predictors of perturbed expression: the network and its baselines behind one face."""

from scclamp.predictors._additive import Additive
from scclamp.predictors._baseline import Baseline
from scclamp.predictors._clamp import Clamp
from scclamp.predictors._denoised_additive import DenoisedAdditive
from scclamp.predictors._latent_additive import LatentAdditive
from scclamp.predictors._linear_pca import LinearPCA
from scclamp.predictors._matching_mean import MatchingMean
from scclamp.predictors._mean_response import MeanResponse
from scclamp.predictors._no_change import NoChange
from scclamp.predictors._norm_weighted_mean import NormWeightedMean
from scclamp.predictors._predictor import Predictor, Target, read_targets
from scclamp.predictors._registry import NULLS, REGISTRY, create
from scclamp.predictors._saturated_additive import SaturatedAdditive
from scclamp.predictors._scaled_additive import ScaledAdditive
from scclamp.predictors._scaled_denoised_additive import ScaledDenoisedAdditive
from scclamp.predictors._training import Training

__all__ = [
    "NULLS",
    "REGISTRY",
    "Additive",
    "Baseline",
    "Clamp",
    "DenoisedAdditive",
    "LatentAdditive",
    "LinearPCA",
    "MatchingMean",
    "MeanResponse",
    "NoChange",
    "NormWeightedMean",
    "Predictor",
    "SaturatedAdditive",
    "ScaledAdditive",
    "ScaledDenoisedAdditive",
    "Target",
    "Training",
    "create",
    "read_targets",
]
