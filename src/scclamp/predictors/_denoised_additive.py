"""Effects of single genes are cleared of noise, and add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from scclamp._errors import InputError
from scclamp.predictors._additive import Additive
from scclamp.predictors._shrinkage import choose_penalty, shrink

if TYPE_CHECKING:
    import numpy as np

    from scclamp.predictors._training import Training


@dataclass(kw_only=True, eq=False)
class DenoisedAdditive(Additive):
    """Predict control plus the sum of single shifts whose singular values s are shrunken to ``s * s^2 / (s^2 + penalty)``.

    Parameters
    ----------
    penalty
        In squared units of expression: shifts in natural logarithms need ``log(2)^2`` of what shifts in log2 need. None
        chooses it by bi-cross-validation on the single shifts; 0 is the plain sum.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import DenoisedAdditive
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> DenoisedAdditive().fit(conditions).learned["penalty"] > 0
    True
    """

    name: ClassVar[str] = "denoised_additive"
    penalty: float | None = None

    def __post_init__(self) -> None:
        if self.penalty is not None and not 0 <= self.penalty < float("inf"):
            raise InputError(f"penalty={self.penalty!r} must be a number of at least 0, or None to choose it.")

    @property
    def learned(self) -> dict[str, float]:
        """The penalty."""
        return {**super().learned, "penalty": self.penalty_}

    def _single_shifts(self, training: Training) -> np.ndarray:
        self.penalty_ = choose_penalty(training.shifts) if self.penalty is None else float(self.penalty)
        return shrink(training.shifts, self.penalty_)
