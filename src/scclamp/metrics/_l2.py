"""Euclidean distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.metrics._judged import judge

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def l2(predicted: ArrayLike, observed: ArrayLike, *, exclude: ArrayLike | None = None) -> NDArray[np.float64]:
    """Euclidean distance of the predicted and the observed mean expression.

    It grows with the number of genes that count; compare it on one panel only.

    Parameters
    ----------
    predicted, observed
        Mean expression or shifts, conditions x genes; the difference is the same.
    exclude
        True where a gene does not count: conditions x genes, or genes.

    Returns
    -------
    One value for each condition. NaN where no gene counts and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.l2([[1.0, 4.0]], [[1.0, 2.0]])
    array([2.])
    """
    pair = judge(predicted, observed, exclude=exclude)
    guess, truth = pair.zeroed()
    return pair.scores(np.sqrt(((guess - truth) ** 2).sum(axis=1)))
