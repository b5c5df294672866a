"""Whether predictions can be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scclamp._arguments import require_choice
from scclamp.metrics._judged import judge
from scclamp.metrics._neighbours import METRICS, rivals, standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def discrimination_score(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    metric: Literal["l1", "l2", "cosine"] = "l1",
    distractors: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Perturbation discrimination score: one minus the rank of the own observed shift among all, from 0 to 1.

    Shifts keep their signs (scores on absolute shifts cannot tell activation from repression) and ties take their
    mid-rank, so that one prediction for all conditions scores exactly 0.5 on average. Differences from others: cell-eval
    divides the rank by the number of conditions instead of that less one (its worst is 1/T, not 0) and breaks ties by
    order; STRAND's eq. S41 counts strictly closer ones only, which lets ties win.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    metric
        Distance of shifts. Only "cosine" ignores their size.
    distractors
        Further observed conditions that compete, such as the training ones; conditions x genes.
    exclude
        True where a gene does not count when this condition looks for its own: conditions x genes, or genes. Clamped
        genes of the *others* count unless marked too; ``exclude.any(axis=0)`` leaves all of them out for all.

    Returns
    -------
    One value for each condition: 1 the closest, 0.5 chance, 0 the farthest. NaN without another condition, where the
    prediction is not finite, where no gene counts, and, for "cosine", where the predicted or own observed shift is zero
    up to rounding.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> seen = [[1.0, 0.0], [0.0, 1.0], [-2.0, 0.0]]
    >>> sc_c.metrics.discrimination_score([[0.6, 0.0], [2.0, 0.0], [0.0, 0.0]], seen, control=[0.0, 0.0])
    array([1. , 0.5, 0. ])
    """
    require_choice("metric", metric, METRICS)
    pair = judge(predicted, observed, exclude=exclude, control=control)
    return 1.0 - standing(pair, metric, rivals(distractors, control, pair.keep.shape[1])).share_closer
