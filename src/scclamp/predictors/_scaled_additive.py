"""Effects of single genes add up, and all sums are scaled alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from scclamp.predictors._additive import Additive

if TYPE_CHECKING:
    import numpy as np

    from scclamp.predictors._training import Training


@dataclass(kw_only=True, eq=False)
class ScaledAdditive(Additive):
    """Predict control plus a multiple of the sum of single shifts; single genes are as observed.

    Parameters
    ----------
    scale
        The multiple. None fits it by least squares to the combinations that train, without the genes that they clamp, and
        it is an error if there are none: with nothing to learn a scale from, say ``scale=1.0``.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import ScaledAdditive
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> 0.5 < ScaledAdditive().fit(conditions).learned["scale"] < 1.5
    True
    """

    name: ClassVar[str] = "scaled_additive"
    scale: float | None = None

    @property
    def needs_combinations(self) -> bool:
        """Whether the scale has to be fitted."""
        return self.scale is None

    @property
    def learned(self) -> dict[str, float]:
        """The scale."""
        return {**super().learned, "scale": self.scale_}

    def _learn(self, training: Training, rng: object) -> None:
        super()._learn(training, rng)
        self.scale_ = self._fitted_scale(training) if self.scale is None else float(self.scale)

    def _law(self, sums: np.ndarray) -> np.ndarray:
        return self.scale_ * sums

    def _fitted_scale(self, training: Training) -> float:
        sums, observed = self._choosing(training, "scale")
        norm = float((sums * sums).sum())
        return float((sums * observed).sum()) / norm if norm else 1.0
