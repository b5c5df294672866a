"""The paper's correlation of shifts, each from its own control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp.metrics._correlation import correlations
from scclamp.metrics._judged import judge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def rho(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    control: ArrayLike,
    predicted_control: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Pearson correlation of the predicted and the observed shift, eq. 6 of the paper.

    The predicted shift starts from the *predicted* control. An error of the model that is alike in all conditions
    therefore cancels; `pearson_delta` measures both from the real control. The paper excludes the perturbed genes: pass
    them as `exclude`, or the clamped values, which are given and not predicted, are scored too.

    Its Table 1 compares a standard deviation over five seeds (0.782 ± 0.008) with one that can only be over pairs, since
    the additive sum has no seed (0.801 ± 0.125); they say nothing about which of the two is better.

    Parameters
    ----------
    predicted, observed
        Steady states and mean expression, conditions x genes.
    control
        Mean expression of the observed control: genes, or conditions x genes.
    predicted_control
        Predicted steady state of the control, in the same forms; the observed control by default, as for predictions
        that start from it.
    exclude
        True where a gene does not count: the clamped ones; conditions x genes, or genes.

    Returns
    -------
    One value for each condition. NaN where either shift is constant up to rounding, where fewer than two genes count,
    and where the prediction is not finite.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.rho(
    ...     [[2.0, 3.0, 1.0]], [[3.0, 5.0, 1.0]], control=[1.0, 1.0, 1.0], predicted_control=[0.0, 0.0, 0.0]
    ... )
    array([1.])
    """
    return correlations(
        judge(predicted, observed, exclude=exclude, control=control, predicted_control=predicted_control)
    )
