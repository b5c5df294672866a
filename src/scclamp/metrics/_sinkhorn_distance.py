"""Wasserstein distance of two samples of cells, by entropic transport."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from scclamp._arguments import require_whole
from scclamp._errors import ConvergenceWarning, InputError
from scclamp.metrics._cells import as_samples, distance_blocks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def sinkhorn_distance(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    regularization: float = 0.05,
    relative: bool = True,
    tolerance: float = 1e-6,
    max_iter: int = 10_000,
) -> float:
    """Cost of moving the predicted onto the observed cells of one condition, along the entropic optimal plan.

    The plan minimises ``<P, C> - regularization * H(P)`` over couplings of equally weighted cells with Euclidean costs C;
    its cost ``<P, C>`` approaches the Wasserstein-1 distance from above as the regularization goes to zero. Entropy
    blurs the plan, so that a sample has a positive distance to itself: compare with that of two halves of the observed
    cells. Solved in the log domain, in memory of a few times predicted x observed cells.

    Parameters
    ----------
    predicted, observed
        Cells x features, in one space; scBIG takes 50 principal components.
    regularization
        Weight of the entropy.
    relative
        Whether that is in units of the mean cost, which makes the result scale with the data, or of the cost itself.
    tolerance
        Largest total difference between the mass that leaves the predicted cells and theirs.
    max_iter
        Iterations after which a `ConvergenceWarning` is given.

    Returns
    -------
    The cost of the plan.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.sinkhorn_distance([[0.0], [1.0]], [[10.0], [11.0]], regularization=0.001)
    10.0
    """
    if not (math.isfinite(regularization) and regularization > 0):
        raise InputError(f"regularization={regularization!r} must be positive and finite. 0.05 is usual.")
    if not tolerance > 0:
        raise InputError(f"tolerance={tolerance!r} must be positive. 1e-6 is usual.")
    max_iter = require_whole("max_iter", max_iter)
    cost = np.concatenate([block for _, block in distance_blocks(*as_samples(predicted, observed))])
    if cost.max() == 0:
        return 0.0
    plan, error = _plan(cost, regularization * (float(cost.mean()) if relative else 1.0), tolerance, max_iter)
    if error > tolerance:
        warnings.warn(
            f"Entropic transport is off by {error:.2g} of the mass after max_iter={max_iter} iterations (tolerance "
            f"{tolerance:.2g}). Raise max_iter or regularization={regularization!r}.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return float((plan * cost).sum())


def _plan(
    cost: NDArray[np.float64], target: float, tolerance: float, max_iter: int
) -> tuple[NDArray[np.float64], float]:
    """Coupling of uniform weights, and by how much mass its rows are off; columns are exact."""
    n, m = cost.shape
    f, g, epsilon, left = np.zeros(n), np.zeros(m), max(float(cost.max()), target), max_iter
    # From blurred to sharp: each plan is a good start for the next, and a few iterations of the early ones are enough.
    while epsilon > target and left > 0:
        for _ in range(min(5, left)):
            f = -epsilon * (_logsumexp((g - cost) / epsilon, 1) - math.log(m))
            g = -epsilon * (_logsumexp((f[:, None] - cost) / epsilon, 0) - math.log(n))
        left, epsilon = left - 5, max(epsilon / 2, target)
    error = np.inf
    for i in range(max(left, 1)):
        f = -target * (_logsumexp((g - cost) / target, 1) - math.log(m))
        g = -target * (_logsumexp((f[:, None] - cost) / target, 0) - math.log(n))
        if i % 10 == 9 or i == max(left, 1) - 1:
            plan = np.exp((f[:, None] + g - cost) / target) / (n * m)
            error = float(np.abs(plan.sum(axis=1) - 1 / n).sum())
            if error <= tolerance:
                break
    return plan, error


def _logsumexp(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    top = values.max(axis=axis, keepdims=True)
    return np.log(np.exp(values - top).sum(axis=axis)) + top.squeeze(axis)
