"""A combination looks like the mean of its genes, the stronger ones counting more."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scclamp.predictors._baseline import Baseline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.predictors._predictor import Target


class NormWeightedMean(Baseline):
    """Predict control plus ``sum |s_g| s_g / sum |s_g|`` over the single shifts s_g of a combination.

    The norms leave out the perturbed gene itself.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import NormWeightedMean
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> NormWeightedMean().fit(conditions).predict([("REG01", "REG02")]).shape
    (1, 60)
    """

    name: ClassVar[str] = "norm_weighted_mean"

    def __repr__(self) -> str:
        return "NormWeightedMean()"

    def _shift(self, targets: Sequence[Target]) -> np.ndarray:
        training = self._trained()
        weights = training.membership(targets) * training.norms()
        total = weights.sum(1, keepdims=True)
        return weights @ training.shifts / np.where(total > 0, total, 1.0)
