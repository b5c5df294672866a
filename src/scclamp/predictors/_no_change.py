"""Nothing happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scclamp.predictors._baseline import Baseline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.predictors._predictor import Target
    from scclamp.predictors._training import Training


class NoChange(Baseline):
    """Predict the control whatever is perturbed.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import NoChange
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> predicted = NoChange().fit(conditions).predict([("REG01", "REG02")])
    >>> bool((predicted == conditions.train_mean[0]).all())
    True
    """

    name: ClassVar[str] = "no_change"

    def __repr__(self) -> str:
        return "NoChange()"

    def _shift(self, targets: Sequence[Target]) -> np.ndarray:
        return np.zeros((len(targets), len(self._trained().genes)))

    def _known(self, training: Training) -> None:
        return None
