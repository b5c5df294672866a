"""Every perturbation does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scclamp.predictors._baseline import Baseline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.predictors._predictor import Target
    from scclamp.predictors._training import Training


class MeanResponse(Baseline):
    """Predict the mean over all perturbed conditions that train, each with equal weight.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import MeanResponse
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> predicted = MeanResponse().fit(conditions).predict([("REG01", "REG02")])
    >>> bool(abs(predicted - conditions.train_mean[1:].mean(0)).max() < 1e-12)
    True
    """

    name: ClassVar[str] = "mean_response"

    def __repr__(self) -> str:
        return "MeanResponse()"

    def _learn(self, training: Training, rng: object) -> None:
        self.mean_ = np.concatenate([training.shifts, training.combo_shifts]).mean(0)

    def _shift(self, targets: Sequence[Target]) -> np.ndarray:
        perturbed = np.array([len(target) > 0 for target in targets], float)
        return np.outer(perturbed, self.mean_)

    def _known(self, training: Training) -> None:
        return None
