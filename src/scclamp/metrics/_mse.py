"""Mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.metrics._judged import judge

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def mse(predicted: ArrayLike, observed: ArrayLike, *, exclude: ArrayLike | None = None) -> NDArray[np.float64]:
    """Mean over genes of the squared error.

    STRAND's eq. S35 sums over genes instead: that is this times the number of genes, and the square of `l2`.

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
    >>> sc_c.metrics.mse([[1.0, 4.0]], [[1.0, 2.0]])
    array([2.])
    """
    pair = judge(predicted, observed, exclude=exclude)
    guess, truth = pair.zeroed()
    return pair.scores(((guess - truth) ** 2).sum(axis=1) / np.maximum(pair.keep.sum(axis=1), 1))
