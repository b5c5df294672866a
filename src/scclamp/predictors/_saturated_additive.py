"""Effects of single genes add up until a gene can move no further."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scclamp._errors import InputError
from scclamp.predictors._denoised_additive import DenoisedAdditive

if TYPE_CHECKING:
    from scclamp.predictors._training import Training

LIMITS = np.geomspace(0.1, 10, 41) * log(4)
"""Limits to choose from."""


@dataclass(kw_only=True, eq=False)
class SaturatedAdditive(DenoisedAdditive):
    """Predict control plus ``t * tanh(s / t)``, where s is the sum of shrunken single shifts; single genes do not saturate.

    Parameters
    ----------
    penalty
        As in `DenoisedAdditive`; 0 adds the shifts as they are.
    limit
        How far a gene can move, t. By default a factor of four in natural logarithms. None fits it to the combinations that
        train, without the genes that they clamp, and it is an error if there are none.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import SaturatedAdditive
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> shift = SaturatedAdditive(limit=0.5).fit(conditions).predict([("REG01", "REG02")]) - conditions.train_mean[0]
    >>> bool(abs(shift).max() < 0.5)
    True
    """

    name: ClassVar[str] = "saturated_additive"
    limit: float | None = log(4)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.limit is not None and not 0 < self.limit < float("inf"):
            raise InputError(f"limit={self.limit!r} must be a number above 0, or None to fit it.")

    @property
    def needs_combinations(self) -> bool:
        """Whether the limit has to be fitted."""
        return self.limit is None

    @property
    def learned(self) -> dict[str, float]:
        """The penalty and the limit."""
        return {**super().learned, "limit": self.limit_}

    def _learn(self, training: Training, rng: object) -> None:
        super()._learn(training, rng)
        self.limit_ = self._fitted_limit(training) if self.limit is None else float(self.limit)

    def _law(self, sums: np.ndarray) -> np.ndarray:
        return self.limit_ * np.tanh(sums / self.limit_)

    def _fitted_limit(self, training: Training) -> float:
        sums, observed = self._choosing(training, "limit")
        errors = [((limit * np.tanh(sums / limit) - observed) ** 2).sum() for limit in LIMITS]
        return float(LIMITS[int(np.argmin(errors))])
