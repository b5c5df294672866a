"""How much of the observed interaction a prediction holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.metrics._judged import judge

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def residual_projection(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    additive_shift: ArrayLike,
    predicted_control: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Predicted residual along the observed one, in units of its length (paper, figure 2).

    Residuals are shifts minus the observed additive shift. The paper reads 1 as a match in magnitude and direction; it
    is only necessary for one, since whatever is orthogonal to the observed residual does not show. As with `rho_nonadd`
    both sides share ``-additive_shift``: no change scores 2 where the combination does half of the sum of its parts.

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
    One value for each condition: 1 is as far, 0 nothing along it, negative the other way. NaN where the observed
    residual is zero up to rounding, where no gene counts, and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> control, additive = [0.0, 0.0, 0.0], [[2.0, 4.0, -2.0]]
    >>> sc_c.metrics.residual_projection(
    ...     [[1.5, 3.0, 0.0]], [[1.0, 2.0, -2.0]], control=control, additive_shift=additive
    ... )
    array([0.5])
    """
    pair = judge(predicted, observed, exclude=exclude, control=control, predicted_control=predicted_control)
    pair = pair.less("additive_shift", additive_shift)
    guess, truth = pair.zeroed()
    size = np.abs(truth).max(axis=1, initial=0.0)
    # In units of the largest residual, so that tiny ones do not underflow when squared.
    unit = np.where(size > pair.observed_grain, size, np.nan)[:, None]
    return pair.scores((guess / unit * (truth / unit)).sum(axis=1) / ((truth / unit) ** 2).sum(axis=1))
