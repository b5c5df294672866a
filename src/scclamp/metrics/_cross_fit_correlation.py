"""The interaction score in which prediction and observation share no cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.metrics._correlation import correlations
from scclamp.metrics._halves import as_halves
from scclamp.metrics._judged import judge

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def cross_fit_correlation(
    predicted: ArrayLike, observed: ArrayLike, *, exclude: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Correlation of predicted and observed interactions, each half of the cells predicting the other.

    An interaction is ``x(jk) - x(j) - x(k) + x(ctrl)``, for any number of genes the state minus the additive state, all
    four from the same half: predictions use the model's own singles, so that doing nothing has no interaction and no
    score, unlike under `rho_nonadd`. The observed one holds the noise of the singles' means, and a model fitted on the
    same cells has learned it; on other cells that noise is independent and earns nothing.

    Parameters
    ----------
    predicted
        Predicted interactions from a fit on each half: 2 x conditions x genes. Or conditions x genes, of a model that has
        seen none of these cells.
    observed
        Observed interactions in each half, 2 x conditions x genes. Controls must be split too.
    exclude
        True where a gene does not count: the clamped ones; conditions x genes, or genes.

    Returns
    -------
    One value for each condition: the mean of the two correlations. NaN where any of the interactions is constant, where
    fewer than two genes count, and where a prediction is not finite. Compare with `replicate_ceiling`.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> first, second = [[1.0, 2.0, 4.0]], [[1.0, 2.0, 3.0]]
    >>> sc_c.metrics.cross_fit_correlation([first, second], [first, second])
    array([0.9820])
    """
    first, second = as_halves("observed", observed)
    made = (predicted, predicted) if np.ndim(predicted) == 2 else as_halves("predicted", predicted)
    scores = [
        correlations(judge(guess, truth, exclude=exclude)) for guess, truth in zip(made, (second, first), strict=True)
    ]
    return (scores[0] + scores[1]) / 2
