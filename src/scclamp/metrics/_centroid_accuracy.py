"""Whether a prediction is nearest to the centroid that it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp.metrics._judged import judge
from scclamp.metrics._neighbours import rivals, standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def centroid_accuracy(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    distractors: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Share of other perturbations' observed centroids that are farther from a prediction than its own, after Systema.

    Euclidean, on expression itself: the control cancels, so that this equals `discrimination_score` with metric "l2".
    Ties count half here and against the prediction in Systema.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    distractors
        Further observed conditions that compete; Systema takes all perturbations, training ones too.
    exclude
        True where a gene does not count: conditions x genes, or genes.

    Returns
    -------
    One value for each condition: 1 the nearest, 0.5 chance. NaN without another condition, where the prediction is not
    finite, and where no gene counts.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.centroid_accuracy([[0.9, 0.1], [2.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]])
    array([1., 0.])
    """
    pair = judge(predicted, observed, exclude=exclude)
    return 1.0 - standing(pair, "l2", rivals(distractors, None, pair.keep.shape[1])).share_closer
