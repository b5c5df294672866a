"""Scores of predictions beside the nulls on the same combinations: what a verdict consists of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from scclamp.metrics import residual_projection, retrieval, rho, rho_nonadd
from scclamp.metrics._bootstrap_ci import FEWEST, tails

FOLDS = 5


class Interval(NamedTuple):
    """A figure and its 95 % bootstrap interval over combinations."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores shifts against observed ones, clamped genes left out.

    Parameters
    ----------
    observed
        Observed shifts (combinations, genes).
    additive
        Sums of the observed single shifts.
    free
        Genes that count.
    uniform
        Numbers in [0, 1) (samples, combinations) that draw bootstrap samples: the same for every prediction, so that
        differences are paired.
    """

    observed: np.ndarray
    additive: np.ndarray
    free: np.ndarray
    uniform: np.ndarray

    @cached_property
    def draws(self) -> np.ndarray:
        """Combinations of each bootstrap sample."""
        return (self.uniform * len(self.observed)).astype(np.intp)

    def within(self, chosen: np.ndarray) -> Scorer:
        """The same for some of the combinations, drawn among themselves."""
        return Scorer(self.observed[chosen], self.additive[chosen], self.free[chosen], self.uniform[:, : chosen.sum()])

    def errors(self, shift: np.ndarray) -> np.ndarray:
        """Squared error of each combination."""
        squares: np.ndarray = (np.where(self.free, shift - self.observed, 0.0) ** 2).sum(1)
        return squares

    def scores(self, shift: np.ndarray) -> dict[str, np.ndarray]:
        """Scores of each combination by the name of the metric."""
        where: dict[str, Any] = {"control": np.zeros(shift.shape[1]), "exclude": ~self.free}
        both = shift, self.observed
        return {
            "r": rho(*both, **where),
            "rho_nonadd": rho_nonadd(*both, additive_shift=self.additive, **where),
            "projection": residual_projection(*both, additive_shift=self.additive, **where),
            # Every combination competes on the same genes here, or the clamped ones would tell them apart.
            "top1": retrieval(*both, control=where["control"], k=1, exclude=~self.free.all(0)),
            "top5": retrieval(*both, control=where["control"], k=5, exclude=~self.free.all(0)),
            "mse": self.errors(shift) / self.free.sum(1),
        }

    def mean(self, values: np.ndarray) -> Interval:
        """Mean over combinations; undefined ones (NaN) are left out."""
        defined = np.isfinite(values)
        if not defined.any():
            return Interval(np.nan, np.nan, np.nan)
        weights = defined[self.draws].sum(1)
        sampled = np.where(defined, values, 0.0)[self.draws].sum(1)[weights > 0] / weights[weights > 0]
        return Interval(float(values[defined].mean()), *_between(sampled, int(defined.sum())))

    def ratio(self, above: np.ndarray, below: np.ndarray) -> Interval:
        """One minus the ratio of two sums over combinations; of several `below` (nulls, combinations) the smallest sum.

        Which of them is the smallest is found anew in every resample.
        """
        if not np.isfinite(above).all():
            return Interval(np.nan, np.nan, np.nan)
        nulls = np.atleast_2d(below)
        whole, sums = nulls.sum(1).min(), np.stack([null[self.draws].sum(1) for null in nulls]).min(0)
        if not (whole > 0 and (sums > 0).all()):
            return Interval(1 - float(above.sum() / whole) if whole > 0 else np.nan, np.nan, np.nan)
        return Interval(1 - float(above.sum() / whole), *_between(1 - above[self.draws].sum(1) / sums, nulls.shape[1]))


def _between(sampled: np.ndarray, n: int) -> tuple[float, float]:
    """Interval from resamples of n combinations; NaN where these are too few for one."""
    if n < FEWEST:
        return np.nan, np.nan
    low, high = np.quantile(sampled, tails(n))
    return float(low), float(high)


def scale_across(shift: np.ndarray, observed: np.ndarray, free: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scale the shift of each combination by the least-squares scale of combinations in the other folds."""
    p, o = np.where(free, shift, 0.0), np.where(free, observed, 0.0)
    products, squares = (p * o).sum(1), (p * p).sum(1)
    fold = rng.permutation(np.arange(len(p)) % min(FOLDS, len(p)))
    scales = np.zeros(len(p))
    for k in np.unique(fold):
        others = fold != k
        scales[~others] = products[others].sum() / squares[others].sum() if squares[others].sum() > 0 else 0.0
    return scales[:, None] * shift
