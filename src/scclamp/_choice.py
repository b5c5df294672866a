"""Which conditions are meant, by a mask or by names as someone writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._errors import InputError, did_you_mean
from scclamp._labels import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


def choose(which: np.ndarray | Iterable[str], names: Sequence[str], genes: Collection[str]) -> np.ndarray:
    """Mask of the conditions that are meant.

    Parameters
    ----------
    which
        Mask, or names in any order of their genes; one name alone will do.
    names
        Canonical names of all conditions.
    genes
        Names known to be genes.

    Examples
    --------
    >>> choose(["B+A"], ["control", "A", "A+B"], {"A", "B"})
    array([False, False,  True])
    """
    given = [which] if isinstance(which, str) else which if isinstance(which, np.ndarray) else list(which)
    array = np.asarray(given)
    if array.dtype == bool:
        if array.shape != (len(names),):
            msg = f"which=mask of shape {array.shape} does not fit {len(names)} conditions. Pass one value each."
            raise InputError(msg)
        return array.copy()
    at = {name: i for i, name in enumerate(names)}
    mask = np.zeros(len(names), bool)
    for name in map(str, array):
        found = at[name] if name in at else at.get(canonical(name, genes=genes))
        if found is None:
            msg = f"which={name!r} is not a condition.{did_you_mean(name, names)} Use names in conditions.names."
            raise InputError(msg)
        mask[found] = True
    return mask
