"""The plainest guess of a network: what moved when a regulator was perturbed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def shift_ranking(means: ArrayLike, singles: ArrayLike, *, control: int = 0) -> NDArray[np.float64]:
    """Score a pair by the observed shift of the gene when the regulator alone is perturbed.

    A baseline for networks: it cannot tell a direct effect from one that travels through other regulators.

    Parameters
    ----------
    means
        Mean expression, conditions x genes.
    singles
        Row of each regulator's single-gene condition.
    control
        Row of the control.

    Returns
    -------
    Signed scores, genes x regulators.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.shift_ranking([[1.0, 2.0], [3.0, 1.5]], singles=[1])
    array([[ 2. ],
           [-0.5]])
    """
    table = np.asarray(means, dtype=np.float64)
    rows = np.asarray(singles)
    if table.ndim != 2:
        raise InputError(f"means has shape {table.shape}, but must be conditions x genes. Stack the conditions.")
    if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer):
        raise InputError("singles must be one whole number for each regulator: the row of its condition in means.")
    for name, index in (("singles", rows), ("control", np.array([control]))):
        bad = index[(index < 0) | (index >= len(table))]
        if bad.size:
            raise InputError(f"{name} names row {bad[0]}, but means has {len(table)} conditions. Count from zero.")
    return (table[rows] - table[control]).T
