"""A combination looks like the mean of its genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scclamp.predictors._baseline import Baseline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.predictors._predictor import Target


class MatchingMean(Baseline):
    """Predict the mean of the single-gene conditions of a combination.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import MatchingMean
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> first, second = (conditions.train_mean[conditions.names.index(n)] for n in ("REG01", "REG02"))
    >>> predicted = MatchingMean().fit(conditions).predict([("REG01", "REG02")])
    >>> bool(abs(predicted - (first + second) / 2).max() < 1e-12)
    True
    """

    name: ClassVar[str] = "matching_mean"

    def __repr__(self) -> str:
        return "MatchingMean()"

    def _shift(self, targets: Sequence[Target]) -> np.ndarray:
        training = self._trained()
        held = training.membership(targets)
        return held @ training.shifts / np.maximum(held.sum(1, keepdims=True), 1)
