"""Which combinations to measure next: those that the network expects the most of."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from scclamp._errors import ConvergenceWarning
from scclamp._keys import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

RANKS = {
    "interaction": "departure from the sum of the singles, before the law of crowding",
    "effect": "predicted shift from control",
}
_CHUNK = 1000
"""Conditions predicted at a time."""


def rank(data: Any, conditions: Sequence[Any], by: str, arguments: Mapping[str, Any]) -> dict[str, float]:
    """Length of what each condition is ranked by, over the genes that are not held, the largest first.

    Parameters
    ----------
    data
        What holds the fit.
    conditions
        As `tl.predict_clamps` takes them.
    by
        One of `RANKS`.
    arguments
        The other ones of `tl.predict_clamps`.
    """
    import numpy as np

    from scclamp import tl

    found: dict[str, float] = {}
    with warnings.catch_warnings():
        # What does not settle is ranked last, and named when it is predicted.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for start in range(0, len(conditions), _CHUNK):
            chosen = list(conditions[start : start + _CHUNK])
            answer: Any = tl.predict_clamps(data, chosen, layers=("shift", "additive"), **arguments)
            values = (
                departures(answer) if by == "interaction" else np.where(held(answer), np.nan, answer.layers["shift"])
            )
            lengths = np.sqrt(np.nansum(np.asarray(values, float) ** 2, 1))
            settled = (answer.obs["status"] == "converged").to_numpy()
            found |= dict(zip(answer.obs_names, np.where(settled, lengths, -np.inf).tolist(), strict=True))
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def departures(answer: Any) -> np.ndarray:
    """Shift minus the sum of the network's own single shifts, NaN for genes that are held.

    The law of crowding shortens every combination of strong genes alike, which tells nothing of their interaction, so that its
    scale is taken off first.
    """
    import numpy as np

    scale = answer.obs["scale"].to_numpy(float)[:, None]
    sums = answer.layers["additive"] - answer.var["control"].to_numpy(float)
    found: np.ndarray = np.where(held(answer), np.nan, answer.layers["shift"] / scale - sums)
    return found


def held(answer: Any) -> np.ndarray:
    """Genes that each condition holds (conditions, genes)."""
    import numpy as np

    mask = np.zeros(answer.shape, bool)
    for row, genes in enumerate(answer.obs["targets"].astype(str)):
        columns = answer.var_names.get_indexer(genes.split(SEPARATOR))
        mask[row, columns[columns >= 0]] = True
    return mask
