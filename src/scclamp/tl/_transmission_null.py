"""The null of `tl.transmission`: shifts between groups of cells whose labels were shuffled, which are sampling noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from scclamp.conditions import Conditions
from scclamp.tl._transmission_bases import shift_directions, single_shifts

if TYPE_CHECKING:
    from scclamp._assignment import Assignment


@dataclass(frozen=True, eq=False)
class Shuffled:
    """Shifts of shuffled labels, and directions that span them.

    Parameters
    ----------
    shifts
        One in each row (perturbations, genes); no row where the data are means, which leave nothing to shuffle.
    directions
        Orthonormal (k, genes).
    """

    shifts: np.ndarray
    directions: np.ndarray

    @classmethod
    def draw(cls, data: Any, cells: Assignment, shifts: np.ndarray, rng: np.random.Generator, **where: Any) -> Self:
        """Shuffle labels once among the control cells and those of single genes, so that groups keep their sizes.

        Parameters
        ----------
        data
            AnnData or MuData.
        cells
            Condition and role of every observation.
        shifts
            The observed ones.
        rng
            Generator of the shuffle.
        where
            `layer` and `mod`.
        """
        alone = np.array([len(targets) <= 1 for targets in cells.targets])
        at = np.flatnonzero((cells.codes >= 0) & (cells.roles >= 0))
        at = at[alone[cells.codes[at]]]
        sizes = np.bincount(cells.codes[at], minlength=len(cells.names))
        if sizes[0] < 2 or sizes[1:].max(initial=0) < 2:
            return cls(shifts[:0], shifts[:0])
        codes = cells.codes.copy()
        codes[at] = rng.permutation(codes[at])
        _, shuffled = single_shifts(Conditions.from_cells(data, replace(cells, codes=codes), **where))
        return cls(shuffled, shift_directions(shuffled))
