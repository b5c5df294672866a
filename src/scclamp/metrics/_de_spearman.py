"""Rank correlation of shifts over significant genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.metrics._judged import as_mask, judge
from scclamp.metrics._ranks import Floats, spearman

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def de_spearman(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    significant: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Spearman correlation of predicted and observed shifts over the truly significant genes; scBIG's DES.

    scBIG takes Wilcoxon tests with an adjusted p below 0.05; pass what any test marks. For other scores of the name DES
    see `de_score`.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    significant
        Which genes are truly significant: conditions x genes, or genes. All by default.
    exclude
        True where a gene does not count: conditions x genes, or genes.

    Returns
    -------
    One value for each condition, ties at their mean rank. NaN where fewer than two genes are significant, where either
    shift is constant over them up to rounding, and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.de_spearman([[0.1, 0.2, 5.0]], [[-1.0, 2.0, 3.0]], control=[0.0, 0.0, 0.0])
    array([1.])
    """
    pair = judge(predicted, observed, exclude=exclude, control=control)
    chosen = pair.keep if significant is None else pair.keep & as_mask("significant", significant, pair.keep.shape)
    values = np.full(len(chosen), np.nan)
    for row in np.flatnonzero(pair.defined & (chosen.sum(axis=1) > 1)):
        guess, truth = pair.predicted[row, chosen[row]], pair.observed[row, chosen[row]]
        if np.ptp(guess) > pair.predicted_grain[row] and np.ptp(truth) > pair.observed_grain[row]:
            values[row] = spearman(_levels(guess, pair.predicted_grain[row]), _levels(truth, pair.observed_grain[row]))
    return values


def _levels(shift: Floats, grain: float) -> Floats:
    """Rank of each shift among the distinct ones: 0.5 - 0.3 and 0.3 - 0.1 differ by rounding, and are tied."""
    order = np.argsort(shift)
    # A quarter of what sums may be off by: neighbours of continuous shifts must not be chained together.
    rises = np.diff(shift[order], prepend=shift[order[:1]]) > grain / 4
    levels = np.empty(len(shift))
    levels[order] = np.cumsum(rises)
    return levels
