"""Direction of predicted and observed shifts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp.metrics._correlation import cosines
from scclamp.metrics._judged import judge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def cosine_delta(
    predicted: ArrayLike, observed: ArrayLike, *, control: ArrayLike, exclude: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Cosine of the predicted and the observed shift from the observed control.

    scBIG calls this "Discr. Cos" (eq. 18) and lists it among the discriminative metrics, but it compares a condition
    with itself only; STRAND's "Discr. Cos" is the rank of `discrimination_score`. The two are not comparable.

    Parameters
    ----------
    predicted, observed
        Mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    exclude
        True where a gene does not count: conditions x genes, or genes.

    Returns
    -------
    One value for each condition. NaN where either shift is zero up to rounding, where no gene counts, and where the
    prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.cosine_delta([[2.0, 1.0]], [[2.0, 2.0]], control=[1.0, 1.0])
    array([0.7071])
    """
    return cosines(judge(predicted, observed, exclude=exclude, control=control))
