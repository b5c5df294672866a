"""Which observation a prediction looks most like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._arguments import require_whole
from scclamp.metrics._judged import judge
from scclamp.metrics._neighbours import rivals, standing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def retrieval(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    k: int = 1,
    predicted_control: ArrayLike | None = None,
    distractors: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Whether a condition's own observed shift is among the k most similar to its predicted one, by cosine.

    Chance is `k` over the number of candidates, so a share of hits means nothing without that number. Norman's pairs
    are alike where they share a gene: adding the singles up already retrieves most of them.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    k
        How many of the most similar.
    predicted_control
        Predicted steady state of the control, as the paper has it; the observed control by default.
    distractors
        Further observed conditions that compete, such as the training ones; conditions x genes.
    exclude
        True where a gene does not count when this condition looks for its own: conditions x genes, or genes. Clamped
        genes of the *others* count unless marked too; ``exclude.any(axis=0)`` leaves all of them out for all.

    Returns
    -------
    One value for each condition: 1 for a hit, 0 for none, and between where a tie decides: the chance of a hit when the
    tied ones are put into random order. NaN where the predicted or the own observed shift is zero up to rounding, and
    where the prediction is not finite. Another observation that is zero competes with none.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> seen = [[1.0, 0.0], [0.0, 1.0]]
    >>> sc_c.metrics.retrieval([[2.0, 1.0], [3.0, 1.0]], seen, control=[0.0, 0.0])
    array([1., 0.])
    """
    k = require_whole("k", k)
    pair = judge(predicted, observed, exclude=exclude, control=control, predicted_control=predicted_control)
    place = standing(pair, "cosine", rivals(distractors, control, pair.keep.shape[1]))
    return np.clip((k - place.closer) / (place.tied + 1), 0.0, 1.0)
