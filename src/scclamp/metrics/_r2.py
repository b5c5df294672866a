"""Coefficient of determination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.metrics._correlation import centred
from scclamp.metrics._judged import judge

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def r2(
    predicted: ArrayLike, observed: ArrayLike, *, control: ArrayLike | None = None, exclude: ArrayLike | None = None
) -> NDArray[np.float64]:
    """One minus the squared error over the variance across genes of what was observed.

    Without a control this is STRAND's pseudobulk R2: most of the variance across genes is there before anything is
    perturbed, so that no change at all scores close to 1. With a control the shifts are compared, and no change scores
    just below 0.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the observed control, to compare shifts: genes, or conditions x genes.
    exclude
        True where a gene does not count: conditions x genes, or genes.

    Returns
    -------
    One value for each condition, at most 1. NaN where the observed values are constant up to rounding, where fewer than
    two genes count, and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> state, seen = [[1.0, 2.0, 3.0]], [[1.0, 2.0, 4.0]]
    >>> sc_c.metrics.r2(state, seen)
    array([0.7857])
    >>> sc_c.metrics.r2(state, seen, control=[1.0, 2.0, 3.0])
    array([-0.5])
    """
    pair = judge(predicted, observed, exclude=exclude, control=control)
    guess, truth = pair.zeroed()
    spread = centred(truth, pair)
    size = np.abs(spread).max(axis=1, initial=0.0)
    unit = np.where(size > pair.observed_grain, size, np.nan)[:, None]
    return pair.scores(1.0 - (((guess - truth) / unit) ** 2).sum(axis=1) / ((spread / unit) ** 2).sum(axis=1))
