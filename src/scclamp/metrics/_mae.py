"""Mean absolute error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.metrics._judged import judge

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def mae(predicted: ArrayLike, observed: ArrayLike, *, exclude: ArrayLike | None = None) -> NDArray[np.float64]:
    """Mean over genes of the absolute error.

    Of all errors here the least moved by a few large shifts.

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
    >>> sc_c.metrics.mae([[1.0, 4.0]], [[1.0, 2.0]])
    array([1.])
    """
    pair = judge(predicted, observed, exclude=exclude)
    guess, truth = pair.zeroed()
    return pair.scores(np.abs(guess - truth).sum(axis=1) / np.maximum(pair.keep.sum(axis=1), 1))
