"""Agreement of two sets of genes that move, whatever the order of ties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scclamp.metrics._judged import as_mask, judge
from scclamp.metrics._top import moved, top_shares

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def shared(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    significant: ArrayLike | None,
    predicted_significant: ArrayLike | None,
    exclude: ArrayLike | None,
    sizes: Callable[[int, int], tuple[int, int, int]],
) -> Floats:
    """Expected size of the intersection of the top predicted and the top observed genes, over a number.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the control.
    significant, predicted_significant
        Which genes may be in either set; all that moved by default.
    exclude
        True where a gene does not count.
    sizes
        From the numbers of predicted and observed genes that moved: how many of the predicted, how many of the observed
        to take, and what to divide by.
    """
    pair = judge(predicted, observed, exclude=exclude, control=control)
    masks = [
        None if mask is None else as_mask(name, mask, pair.keep.shape)
        for name, mask in (("significant", significant), ("predicted_significant", predicted_significant))
    ]
    truly = moved(pair.observed, pair.observed_grain, masks[0], pair)
    called = moved(pair.predicted, pair.predicted_grain, masks[1], pair)
    values = np.full(len(pair.keep), np.nan)
    for row in np.flatnonzero(pair.defined):
        n_called, n_truly, out_of = sizes(int(called[row].sum()), int(truly[row].sum()))
        if out_of:
            guess = top_shares(pair.predicted[row], called[row], n_called)
            truth = top_shares(pair.observed[row], truly[row], n_truly)
            values[row] = min(float(guess @ truth) / out_of, 1.0)
    return values
