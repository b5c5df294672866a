"""Directions of gene space along which `tl.transmission` asks: the spread of control cells, and the shifts of single genes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp import encoders
from scclamp._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.conditions import Conditions

_TINY = 1e-10
"""Singular values below this share of the largest are rounding."""


@dataclass(frozen=True, eq=False)
class Basis:
    """Orthonormal directions of gene space, and the length of what is added along them.

    Parameters
    ----------
    name
        `alpha` or `gamma`.
    directions
        One in each row (k, genes).
    scale
        Median length of the observed shifts.
    """

    name: str
    directions: np.ndarray
    scale: float


def single_shifts(conditions: Conditions) -> tuple[list[str], np.ndarray]:
    """Names and shifts of the single-gene conditions."""
    singles = conditions.select(conditions.singles & (conditions.train_n > 0))
    return list(singles.names[1:]), singles.train_mean[1:] - singles.train_mean[0]


def shift_directions(shifts: np.ndarray) -> np.ndarray:
    """Orthonormal directions that span the shifts, by their singular values."""
    _, values, directions = np.linalg.svd(shifts, full_matrices=False)
    directions = directions[values > _TINY * values[0]]
    # A lens that is not linear answers +v and -v differently, and the sign of a singular vector is anybody's: steps go where the
    # perturbations go.
    return directions * np.where((shifts @ directions.T).sum(0) < 0, -1.0, 1.0)[:, None]


def bases_of(names: Sequence[str], shifts: np.ndarray, data: Any, **context: Any) -> list[Basis]:
    """Principal components of control cells (alpha), and of the shifts (gamma)."""
    lengths = np.linalg.norm(shifts, axis=1)
    scale = float(np.median(lengths[lengths > 0]))
    found = []
    for name in names:
        if name == "gamma":
            directions = shift_directions(shifts)
        else:
            if (context["cells"].codes == 0).sum() < 2:
                raise InputError(
                    "basis='alpha' needs the spread of control cells, but there is one row of them. Use basis='gamma'."
                )
            pca = encoders.PCA.from_data(data, n_components=shifts.shape[1], **context)
            directions = pca.components.T
        found.append(Basis(name, directions, scale))
    return found
