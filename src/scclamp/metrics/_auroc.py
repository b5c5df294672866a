"""Area under the receiver operating characteristic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp.metrics._candidates import as_finite, as_labels
from scclamp.metrics._ranks import mid_ranks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Area under the receiver operating characteristic; ties count half.

    Parameters
    ----------
    scores
        Larger means more likely true; any shape.
    labels
        Whether each is true.

    Returns
    -------
    Probability that a random true item has a larger score than a random false one.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.auroc([0.9, 0.4, 0.4, 0.1], [True, True, False, False])
    0.875
    """
    values = as_finite(scores, "scores")
    true = as_labels(labels, values)
    n_true = int(true.sum())
    rank_sum = mid_ranks(values.ravel())[true.ravel()].sum()
    return float((rank_sum - n_true * (n_true + 1) / 2) / (n_true * (true.size - n_true)))
