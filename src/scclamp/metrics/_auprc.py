"""Area under the precision-recall curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.metrics._candidates import as_finite, as_labels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def auprc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Area under the precision-recall curve, as average precision.

    Tied scores form one threshold, so the order of the items never matters. Chance is the share of true items.

    Parameters
    ----------
    scores
        Larger means more likely true; any shape.
    labels
        Whether each is true.

    Returns
    -------
    Sum over thresholds of precision times the recall gained.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.auprc([0.9, 0.8, 0.7, 0.1], [True, False, True, False])
    0.8333
    """
    values = as_finite(scores, "scores")
    true = as_labels(labels, values)
    _, level = np.unique(-values.ravel(), return_inverse=True)
    taken = np.cumsum(np.bincount(level))
    gained = np.bincount(level, weights=true.ravel())
    return float((np.cumsum(gained) / taken) @ gained / gained.sum())
