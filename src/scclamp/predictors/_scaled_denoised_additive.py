"""Effects of single genes are cleared of noise and add up, and all sums are scaled alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from scclamp.predictors._denoised_additive import DenoisedAdditive
from scclamp.predictors._scaled_additive import ScaledAdditive


@dataclass(kw_only=True, eq=False)
class ScaledDenoisedAdditive(ScaledAdditive, DenoisedAdditive):
    """Predict control plus a multiple of the sum of shrunken single shifts.

    Parameters
    ----------
    penalty
        As in `DenoisedAdditive`.
    scale
        As in `ScaledAdditive`.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import ScaledDenoisedAdditive
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> sorted(ScaledDenoisedAdditive().fit(conditions).learned)
    ['penalty', 'scale']
    """

    name: ClassVar[str] = "scaled_denoised_additive"
