"""One split of a screen: what predictors may learn from, and what they are judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._assignment import Assignment, Unmeasured, resolve_unmeasured
from scclamp._columns import unwrap
from scclamp._digest import digest_names, digest_value
from scclamp._source import open_layer
from scclamp._split import LEFT_OUT, TRAIN, VALIDATION
from scclamp._streaming import grouped_sums, selector
from scclamp.conditions import Conditions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp._clamps import Held
    from scclamp.predictors import Target


@dataclass(frozen=True, eq=False)
class Screen:
    """A screen whose observations have roles.

    Parameters
    ----------
    data
        AnnData or MuData.
    cells
        Condition and role of every observation; test observations have the role -1.
    layer, mod
        Where the expression is.
    unmeasured, clamp_values
        As in `tl.fit`.
    """

    data: Any
    cells: Assignment
    layer: str | None
    mod: str | None
    unmeasured: Unmeasured
    clamp_values: Held = "singles"

    @cached_property
    def conditions(self) -> Conditions:
        """Conditions with training or validation cells."""
        cells = resolve_unmeasured(self.cells, unwrap(self.data, self.mod).adata, self.unmeasured)
        return Conditions.from_cells(self.data, cells, layer=self.layer, mod=self.mod, clamp_values=self.clamp_values)

    @cached_property
    def judged(self) -> list[int]:
        """Perturbed conditions with test cells; those with validation cells where nothing is tested."""
        for role in (LEFT_OUT, VALIDATION):
            found = [i for i in np.flatnonzero(self.cells.counts(role)).tolist() if self.cells.targets[i]]
            if found:
                return found
        return []

    @cached_property
    def targets(self) -> list[Target]:
        """Gene sets of the conditions that are judged."""
        return [self.cells.targets[i] for i in self.judged]

    @cached_property
    def observed(self) -> np.ndarray:
        """Mean expression of the cells that judge (judged conditions, genes)."""
        role = LEFT_OUT if self.cells.counts(LEFT_OUT)[self.judged].any() else VALIDATION
        return self.means(self.judged, self.cells.roles == role)[0]

    @cached_property
    def reference(self) -> np.ndarray:
        """Control that observed shifts start from: its test cells (a context held out), or else its training cells."""
        role = LEFT_OUT if self.cells.counts(LEFT_OUT)[0] else TRAIN
        return self.means([0], self.cells.roles == role)[0][0]

    @cached_property
    def subgroups(self) -> list[str]:
        """What training has seen of each judged condition: itself, or how many of its genes alone."""
        trained = self.cells.counts(TRAIN) > 0
        alone = {t[0] for t, seen in zip(self.cells.targets, trained, strict=True) if seen and len(t) == 1}
        names = []
        for i in self.judged:
            target = self.cells.targets[i]
            kind = "single" if len(target) == 1 else "combo"
            if trained[i]:
                names.append(f"seen_{kind}")
            else:
                names.append("unseen_single" if kind == "single" else f"combo_seen{len(alone.intersection(target))}")
        return names

    def means(self, which: Sequence[int], chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean expression of the chosen observations of some conditions, NaN without any, and their number."""
        place = np.full(len(self.cells.names) + 1, -1, np.int64)
        place[list(which)] = np.arange(len(which))
        codes = np.where(chosen, place[self.cells.codes], -1)
        source = open_layer(unwrap(self.data, self.mod).adata, self.layer)
        sums, _ = grouped_sums(source, selector(codes, len(which)))
        n = np.bincount(codes[codes >= 0], minlength=len(which))
        return np.where(n[:, None] > 0, sums / np.maximum(n, 1)[:, None], np.nan), n

    @cached_property
    def digest(self) -> str:
        """Digest of everything that predictors see and are judged by."""
        c = self.conditions
        arrays = (
            c.train_mean,
            c.val_mean,
            c.train_n,
            c.val_n,
            c.clamp_mask,
            c.clamp_values,
            self.observed,
            self.reference,
        )
        names = (c.genes, c.names, c.regulators, [self.cells.names[i] for i in self.judged])
        return digest_names([*map(digest_names, names), *map(digest_value, arrays)])

    def under(self, roles: np.ndarray, split: str) -> Screen:
        """Return the same screen with other roles."""
        return replace(self, cells=replace(self.cells, roles=roles, split=split))
