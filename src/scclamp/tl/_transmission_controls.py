"""Control cells at which `tl.transmission` asks its encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from scclamp._source import open_layer, stored_by_rows
from scclamp._streaming import CHUNK_SIZE

if TYPE_CHECKING:
    from anndata import AnnData

    from scclamp._assignment import Assignment


@dataclass(frozen=True, eq=False)
class Controls:
    """Control cells of all draws.

    Parameters
    ----------
    rows
        Expression of each cell that any draw has, once (cells, genes): it is encoded once.
    which
        Which of them the draws have, one draw after another (draws x cells of each).
    per_seed
        Cells of each draw.
    by_chance
        Whether there were more cells to draw from, so that draws differ.
    """

    rows: np.ndarray
    which: np.ndarray
    per_seed: int
    by_chance: bool

    @classmethod
    def draw(
        cls,
        adata: AnnData,
        layer: str | None,
        cells: Assignment,
        n_cells: int,
        n_seeds: int,
        rng: np.random.Generator,
    ) -> Self:
        """Draw control cells without replacement, anew for each seed; all of them where there are fewer."""
        known = np.flatnonzero((cells.codes == 0) & (cells.roles >= 0))
        per_seed = min(n_cells, len(known))
        drawn = np.stack([np.sort(rng.choice(known, per_seed, replace=False)) for _ in range(n_seeds)])
        rows, at = np.unique(drawn, return_inverse=True)
        return cls(_read(adata, layer, rows), at.ravel(), per_seed, per_seed < len(known))


def _read(adata: AnnData, layer: str | None, rows: np.ndarray) -> np.ndarray:
    """Expression of some rows, sorted, as float64."""
    wanted = np.zeros(adata.n_obs, bool)
    wanted[rows] = True
    source = stored_by_rows(open_layer(adata, layer))
    parts = [block[np.flatnonzero(wanted[at])] for at, block in source.blocks(CHUNK_SIZE, wanted)]
    return np.concatenate([np.asarray(p.toarray() if hasattr(p, "toarray") else p, np.float64) for p in parts])
