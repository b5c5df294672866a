"""Every predictor by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp._errors import InputError, did_you_mean
from scclamp.predictors._additive import Additive
from scclamp.predictors._clamp import Clamp
from scclamp.predictors._denoised_additive import DenoisedAdditive
from scclamp.predictors._latent_additive import LatentAdditive
from scclamp.predictors._linear_pca import LinearPCA
from scclamp.predictors._matching_mean import MatchingMean
from scclamp.predictors._mean_response import MeanResponse
from scclamp.predictors._no_change import NoChange
from scclamp.predictors._norm_weighted_mean import NormWeightedMean
from scclamp.predictors._saturated_additive import SaturatedAdditive
from scclamp.predictors._scaled_additive import ScaledAdditive
from scclamp.predictors._scaled_denoised_additive import ScaledDenoisedAdditive

if TYPE_CHECKING:
    from scclamp.predictors._predictor import Predictor

_CLASSES: tuple[type[Predictor], ...] = (
    NoChange,
    MeanResponse,
    MatchingMean,
    NormWeightedMean,
    Additive,
    ScaledAdditive,
    DenoisedAdditive,
    ScaledDenoisedAdditive,
    SaturatedAdditive,
    LinearPCA,
    LatentAdditive,
    Clamp,
)
REGISTRY: dict[str, type[Predictor]] = {each.name: each for each in _CLASSES}
"""Class of every predictor by its name; each can be made without arguments."""
NULLS = (
    "no_change",
    "mean_response",
    "matching_mean",
    "norm_weighted_mean",
    "additive",
    "scaled_additive",
    "denoised_additive",
    "scaled_denoised_additive",
    "saturated_additive",
)
"""What the skill of a benchmark is measured against; `tl.benchmark` always runs them."""


def create(name: str) -> Predictor:
    """Return a new predictor with its default settings.

    Parameters
    ----------
    name
        A key of `REGISTRY`.

    Examples
    --------
    >>> create("additive")
    Additive()
    >>> create("aditive")
    Traceback (most recent call last):
    scclamp.errors.InputError: name='aditive' is no predictor. Did you mean 'additive'? ...
    """
    if name not in REGISTRY:
        hint = did_you_mean(str(name), REGISTRY)
        raise InputError(f"name={name!r} is no predictor.{hint} There are {', '.join(map(repr, REGISTRY))}.")
    return REGISTRY[name]()
