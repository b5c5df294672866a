"""Effects of single genes add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scclamp._errors import InputError
from scclamp.predictors._baseline import Baseline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.predictors._predictor import Target
    from scclamp.predictors._training import Training


@dataclass(kw_only=True, eq=False)
class Additive(Baseline):
    """Predict control plus the sum of the shifts of the single genes.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import Additive
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> control, first, second = (
    ...     conditions.train_mean[conditions.names.index(n)] for n in ("control", "REG01", "REG02")
    ... )
    >>> predicted = Additive().fit(conditions).predict([("REG01", "REG02")])
    >>> bool(abs(predicted - (first + second - control)).max() < 1e-12)
    True
    """

    name: ClassVar[str] = "additive"

    def _learn(self, training: Training, rng: object) -> None:
        self.singles_ = self._single_shifts(training)

    def _shift(self, targets: Sequence[Target]) -> np.ndarray:
        total = self._sums(targets)
        several = np.array([len(target) > 1 for target in targets], bool)
        # What was observed of a single gene is no sum, and no law of combinations is about it.
        total[several] = self._law(total[several])
        return total

    def _single_shifts(self, training: Training) -> np.ndarray:
        """Shift of each single gene as it enters sums (singles, genes)."""
        return training.shifts

    def _sums(self, targets: Sequence[Target]) -> np.ndarray:
        return self._trained().membership(targets) @ self.singles_

    def _law(self, sums: np.ndarray) -> np.ndarray:
        """From sums of single shifts to shifts of combinations."""
        return sums

    def _choosing(self, training: Training, constant: str) -> tuple[np.ndarray, np.ndarray]:
        """Sums and observed shifts of the combinations that train, 0 for the genes that they clamp."""
        if not len(training.choosing):
            raise InputError(
                f"{self.name!r} fits its {constant} to combinations that train, and the conditions hold none whose genes are all "
                f"perturbed alone. Leave it out, pass the predictor scclamp.predictors.{type(self).__name__}({constant}=1.0), or "
                "let some combinations train: by the column split_key=, or in tl.baselines by choosing=."
            )
        targets = [training.combos[i] for i in training.choosing]
        free = training.free(targets)
        return self._sums(targets) * free, training.combo_shifts[training.choosing] * free
