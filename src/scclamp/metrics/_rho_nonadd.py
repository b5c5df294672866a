"""The paper's correlation of what is left of shifts after the additive part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp.metrics._correlation import correlations
from scclamp.metrics._judged import judge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def rho_nonadd(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    additive_shift: ArrayLike,
    predicted_control: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Correlation of predicted and observed shifts, each minus the *observed* additive shift (paper, below eq. 6).

    Never a headline: both sides contain the same ``-additive_shift``, signal and noise, and so correlate whatever was
    predicted. On pseudobulk of Norman 2019 predicting no change at all scores about 0.45, depending on the panel; the
    paper's network has 0.49. Read it next to the nulls on the same pairs, and read `cross_fit_correlation` instead. Nor is it zero for an additive predictor, as
    the paper says: the residual of that is zero everywhere, and the correlation undefined.

    Parameters
    ----------
    predicted, observed
        Steady states and mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    additive_shift
        Sum over the combination's genes of the observed shift of each alone, conditions x genes.
    predicted_control
        Predicted steady state of the control; the observed control by default.
    exclude
        True where a gene does not count: the clamped ones; conditions x genes, or genes.

    Returns
    -------
    One value for each condition. NaN where either residual is constant up to rounding (as for an additive prediction),
    where fewer than two genes count, and where the prediction is not finite.

    Examples
    --------
    Doing nothing wins where a combination does less than the sum of its parts:

    >>> import scclamp as sc_c
    >>> control, additive = [0.0, 0.0, 0.0], [[2.0, 4.0, -2.0]]
    >>> sc_c.metrics.rho_nonadd([control], [[1.0, 2.0, -1.0]], control=control, additive_shift=additive)
    array([1.])
    """
    pair = judge(predicted, observed, exclude=exclude, control=control, predicted_control=predicted_control)
    return correlations(pair.less("additive_shift", additive_shift))
