"""What baselines learn from: shifts of the training means, single genes and combinations apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from scclamp._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.conditions import Conditions
    from scclamp.predictors._predictor import Target


@dataclass(frozen=True, eq=False)
class Training:
    """Training means as shifts from the control.

    Parameters
    ----------
    genes
        Genes of the panel.
    control
        Mean expression of the control (genes,).
    singles, shifts
        Genes perturbed alone, and their shifts (singles, genes).
    combos, combo_shifts
        Gene sets of the combinations that train, and their shifts (combos, genes).
    """

    genes: tuple[str, ...]
    control: np.ndarray
    singles: tuple[str, ...]
    shifts: np.ndarray
    combos: tuple[Target, ...]
    combo_shifts: np.ndarray

    @classmethod
    def of(cls, conditions: Conditions) -> Self:
        """Conditions that have training cells."""
        mean = conditions.train_mean
        if mean.ndim != 2:
            msg = (
                f"conditions hold {len(mean)} bootstrap replicates, but a baseline learns from one mean per condition."
            )
            raise InputError(f"{msg} Read them with n_bootstrap=0.")
        if not np.isfinite(mean[0]).all():
            raise InputError(
                "conditions have no training cells of the control. Give some control cells the role 'train'."
            )
        single, combo = (
            np.flatnonzero(kind & (conditions.train_n > 0)) for kind in (conditions.singles, conditions.combos)
        )
        return cls(
            genes=conditions.genes,
            control=mean[0],
            singles=tuple(conditions.targets[i][0] for i in single),
            shifts=mean[single] - mean[0],
            combos=tuple(conditions.targets[i] for i in combo),
            combo_shifts=mean[combo] - mean[0],
        )

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each gene among the measured ones."""
        return {gene: row for row, gene in enumerate(self.genes)}

    @cached_property
    def perturbed(self) -> frozenset[str]:
        """Genes perturbed in training, alone or together with others."""
        return frozenset(self.singles).union(*self.combos)

    @cached_property
    def choosing(self) -> np.ndarray:
        """Positions of the combinations whose genes are all perturbed alone, to which free constants are fitted."""
        known = frozenset(self.singles)
        return np.array([i for i, genes in enumerate(self.combos) if known.issuperset(genes)], np.int64)

    def membership(self, targets: Sequence[Target]) -> np.ndarray:
        """Which single genes each target holds (targets, singles), 0 or 1."""
        column = {gene: j for j, gene in enumerate(self.singles)}
        held = np.zeros((len(targets), len(self.singles)))
        for row, genes in enumerate(targets):
            held[row, [column[gene] for gene in genes]] = 1.0
        return held

    def free(self, targets: Sequence[Target]) -> np.ndarray:
        """Which genes each target leaves to settle (targets, genes)."""
        free = np.ones((len(targets), len(self.genes)), bool)
        for row, genes in enumerate(targets):
            free[row, [self.rows[gene] for gene in genes if gene in self.rows]] = False
        return free

    def norms(self) -> np.ndarray:
        """Norm of each single shift; the perturbed gene itself says nothing about what it does to others."""
        return np.linalg.norm(self.shifts * self.free([(gene,) for gene in self.singles]), axis=1)
