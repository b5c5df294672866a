"""Scores of predictions beside the nulls on the same combinations: what a verdict consists of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

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
        return (np.where(self.free, shift - self.observed, 0.0) ** 2).sum(1)

    def r(self, shift: np.ndarray) -> np.ndarray:
        """Correlation of shifts, of each combination (eq. 6 of the paper); NaN for a constant prediction."""
        return correlate(shift, self.observed, self.free)

    def r_nonadditive(self, shift: np.ndarray) -> np.ndarray:
        """Correlation of what is left after the observed singles' sum was taken from both: confounded, as both share it."""
        return correlate(residual(shift, self.additive), self.observed - self.additive, self.free)

    def projection(self, shift: np.ndarray) -> np.ndarray:
        """Predicted residual along the observed one, as a share of it."""
        predicted, seen = (np.where(self.free, s - self.additive, 0.0) for s in (shift, self.observed))
        size = (seen**2).sum(1)
        return np.divide((predicted * seen).sum(1), size, out=np.full(len(size), np.nan), where=size > 0)

    def rank(self, shift: np.ndarray) -> np.ndarray:
        """Place of each combination's own observation among all, by cosine to its prediction; ties share their mean place.

        All genes count, as the genes to leave out differ between combinations.
        """
        norms = [np.linalg.norm(s, axis=1) for s in (shift, self.observed)]
        cosine = shift @ self.observed.T / np.maximum(np.outer(*norms), np.finfo(float).tiny)
        own = np.diag(cosine)[:, None]
        place: np.ndarray = 1 + (cosine > own).sum(1) + ((cosine == own).sum(1) - 1) / 2
        return place

    def mean(self, values: np.ndarray) -> Interval:
        """Mean over combinations; undefined ones (NaN) are left out."""
        defined = np.isfinite(values)
        if not defined.any():
            return Interval(np.nan, np.nan, np.nan)
        weights = defined[self.draws].sum(1)
        sampled = np.where(defined, values, 0.0)[self.draws].sum(1)[weights > 0] / weights[weights > 0]
        return Interval(float(values[defined].mean()), *np.quantile(sampled, [0.025, 0.975]))

    def ratio(self, above: np.ndarray, below: np.ndarray) -> Interval:
        """One minus the ratio of two sums over combinations."""
        if not below.sum() > 0:
            return Interval(np.nan, np.nan, np.nan)
        sampled = 1 - above[self.draws].sum(1) / below[self.draws].sum(1)
        return Interval(1 - float(above.sum() / below.sum()), *np.quantile(sampled, [0.025, 0.975]))


def correlate(a: np.ndarray, b: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Pearson correlation of each row over its free genes; NaN where one side does not vary."""
    n = free.sum(1, keepdims=True)
    raw = [np.where(free, x, 0.0) for x in (a, b)]
    a, b = (np.where(free, x - x.sum(1, keepdims=True) / n, 0.0) for x in raw)
    # What rounding leaves of a constant is no variation.
    vary = np.all([(x**2).sum(1) > 1e-24 * (r**2).sum(1) for x, r in zip((a, b), raw, strict=True)], axis=0)
    sizes = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return np.divide((a * b).sum(1), sizes, out=np.full(len(a), np.nan), where=vary & (sizes > 0))


def residual(shift: np.ndarray, additive: np.ndarray) -> np.ndarray:
    """What a prediction says beyond the additive sum; the same sum taken in another order says nothing."""
    rest = shift - additive
    beyond: np.ndarray = np.where(np.abs(rest) > 1e-12 * np.maximum(np.abs(shift), np.abs(additive)), rest, 0.0)
    return beyond


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


def effective_rank(A: np.ndarray) -> float:
    """Exponential of the entropy of the normalised singular values."""
    s = np.linalg.svd(np.asarray(A, float), compute_uv=False)
    p = s[s > 0] / s.sum() if s.sum() > 0 else np.ones(1)
    return float(np.exp(-(p * np.log(p)).sum()))


def spearman_brown(r: np.ndarray) -> np.ndarray:
    """Reliability of the mean of two halves from the correlation between them."""
    return 2 * r / (1 + r)
