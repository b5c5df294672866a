"""What all baselines share: reading the conditions, checking the targets, adding the control."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from scclamp._aliases import did_you_mean_gene
from scclamp._errors import InputError, list_some
from scclamp.predictors._predictor import read_targets
from scclamp.predictors._training import Training

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.conditions import Conditions
    from scclamp.predictors._predictor import Target


class Baseline(ABC):
    """A predictor of shifts from training means. A new one is a class with a `name` and `_shift`."""

    name: ClassVar[str]
    training_: Training | None = None

    def fit(self, conditions: Conditions, *, rng: int | np.random.Generator | None = None) -> Self:
        """Learn from the training means of conditions.

        Parameters
        ----------
        conditions
            Control, single genes, and those combinations that may be learned from.
        rng
            Seed or generator, for baselines that draw.

        Returns
        -------
        Itself, fitted.
        """
        self.training_ = Training.of(conditions)
        self._learn(self.training_, rng)
        return self

    def predict(self, targets: Sequence[Target]) -> np.ndarray:
        """Predict mean expression.

        Parameters
        ----------
        targets
            Gene sets, in any order of their genes.

        Returns
        -------
        The control's mean plus the predicted shift (targets, genes), float64.
        """
        sets = read_targets(targets)
        for target in sets:
            if missing := self.lacks(target):
                raise InputError(self._explain(target, missing))
        return self._trained().control + self._shift(sets)

    def lacks(self, target: Target) -> Target:
        """Genes of a target about which nothing was learned; empty when the target can be predicted."""
        known = self._known(self._trained())
        return () if known is None else tuple(gene for gene in target if gene not in known)

    @property
    def needs_combinations(self) -> bool:
        """Whether a free constant has to be fitted to combinations that train."""
        return False

    @property
    def learned(self) -> dict[str, float]:
        """Constants that were fitted or chosen, by name."""
        return {}

    def _learn(self, training: Training, rng: int | np.random.Generator | None) -> None:  # noqa: B027 -- some learn no more
        """Fit what has to be fitted."""

    @abstractmethod
    def _shift(self, targets: Sequence[Target]) -> np.ndarray:
        """Shift of gene sets that are known to be predictable (targets, genes)."""

    def _known(self, training: Training) -> frozenset[str] | None:
        """Genes that a target may hold; None for any."""
        return frozenset(training.singles)

    def _trained(self) -> Training:
        if self.training_ is None:
            raise InputError(f"{type(self).__name__} has learned nothing yet. Call fit(conditions) first.")
        return self.training_

    def _explain(self, target: Target, missing: Target) -> str:
        known = self._known(self._trained()) or ()
        return (
            f"targets: {self.name!r} cannot predict {'+'.join(target)!r}: the training conditions do not tell what "
            f"{list_some(missing)} does.{did_you_mean_gene(missing[0], known)} Leave the target out, give its single genes "
            "training cells, or use a predictor that needs none, such as 'mean_response'."
        )
