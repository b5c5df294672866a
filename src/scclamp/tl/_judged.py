"""What a verdict is about: the combinations of a screen whose genes are all perturbed alone too, as they were observed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from scclamp._errors import InputError, list_some
from scclamp._keys import SEPARATOR
from scclamp._labels import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.conditions import Conditions

_SHOWN = 3
"""Combinations of which a message says why they cannot be judged."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Observed combinations; shifts are combinations x genes.

    Parameters
    ----------
    conditions
        Control and singles, with the means over all their cells: what baselines learn from.
    halves
        The same from either half of the cells of each condition; None where a condition has too few.
    names, targets
        The combinations.
    shift
        Observed shift of each.
    half_shifts
        Observed shifts in either half.
    left_out
        Why each other measured combination cannot be judged, by its name; empty where some were chosen.
    """

    conditions: Conditions
    halves: tuple[Conditions, Conditions] | None
    names: tuple[str, ...]
    targets: tuple[tuple[str, ...], ...]
    shift: np.ndarray
    half_shifts: tuple[np.ndarray, np.ndarray] | None
    left_out: dict[str, str]

    @classmethod
    def of(cls, halved: Conditions, chosen: Sequence[str] | None, known: Sequence[str]) -> Judged:
        """From conditions whose cells were split into halves.

        Parameters
        ----------
        halved
            All conditions of the screen; train and validation are the halves.
        chosen
            Combinations to judge; all by default.
        known
            Regulators of the fit.
        """
        single = {t[0] for t, is_single in zip(halved.targets, halved.singles, strict=True) if is_single}
        single &= set(known)
        judged = [i for i in np.flatnonzero(halved.combos) if single.issuperset(halved.targets[i])]
        others = np.setdiff1d(np.flatnonzero(halved.combos), judged)
        left_out = {halved.names[i]: _why_not(halved.names[i], halved, known) for i in others}
        if chosen is not None:
            left_out = {}
            at = {halved.names[i]: i for i in judged}
            genes = {*halved.genes, *halved.regulators}
            asked = [chosen] if isinstance(chosen, str) else list(chosen)
            names = dict.fromkeys(canonical(str(name), genes=genes, control=_labels(halved.control)) for name in asked)
            if missing := [name for name in names if name not in at]:
                whys = "; ".join(
                    f"{name!r} cannot be judged: it {_why_not(name, halved, known)}" for name in missing[:_SHOWN]
                )
                more = f"; nor can {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
                raise InputError(f"conditions: {whys}{more}. Leave conditions= out to judge all that can be.")
            judged = [at[name] for name in names]
        if len(judged) < 2:
            raise InputError(_explain_too_few([int(i) for i in judged], halved, known, chosen is not None))
        n = np.stack([halved.train_n, halved.val_n])
        means = np.stack([halved.train_mean, halved.val_mean])
        whole = np.nansum(means * (n / n.sum(0))[..., None], 0)
        base = np.flatnonzero(halved.singles | (np.arange(halved.n_conditions) == 0))
        needed = np.union1d(base, judged)
        both = bool((n[:, needed] > 0).all())
        return cls(
            conditions=_with(halved, base, whole, n.sum(0)),
            halves=(_with(halved, base, means[0], n[0]), _with(halved, base, means[1], n[1])) if both else None,
            names=tuple(halved.names[i] for i in judged),
            targets=tuple(halved.targets[i] for i in judged),
            shift=whole[judged] - whole[0],
            half_shifts=(means[0, judged] - means[0, 0], means[1, judged] - means[1, 0]) if both else None,
            left_out=left_out,
        )

    @cached_property
    def free(self) -> np.ndarray:
        """Genes that a combination does not clamp (combinations, genes)."""
        row = {gene: i for i, gene in enumerate(self.conditions.genes)}
        free = np.ones(self.shift.shape, bool)
        for i, target in enumerate(self.targets):
            free[i, [row[gene] for gene in target if gene in row]] = False
        return free

    def add(self, conditions: Conditions) -> np.ndarray:
        """Sum of the single shifts of each combination, from the means of some cells."""
        at = {t[0]: i for i, t in enumerate(conditions.targets) if len(t) == 1}
        shifts = conditions.train_mean - conditions.train_mean[0]
        return np.stack([shifts[[at[gene] for gene in target]].sum(0) for target in self.targets])


def _why_not(name: str, halved: Conditions, known: Sequence[str]) -> str:
    """What keeps a combination from being judged."""
    if SEPARATOR not in name:
        return "is no combination, and singles are what the fit was made from"
    if name not in halved.names:
        return "has no cells in adata"
    alone = {t[0] for t, is_single in zip(halved.targets, halved.singles, strict=True) if is_single}
    genes = halved.targets[halved.names.index(name)]
    if lonely := [gene for gene in genes if gene not in alone]:
        return f"holds {list_some(lonely)}, which no cells have perturbed alone"
    return f"holds {list_some([gene for gene in genes if gene not in known])}, of which the fit has no column"


def _explain_too_few(judged: list[int], halved: Conditions, known: Sequence[str], chosen: bool) -> str:
    """Why fewer than two combinations can be judged, and what to do instead."""
    names = [name for name, combo in zip(halved.names, halved.combos, strict=True) if combo]
    if chosen:
        given = [halved.names[i] for i in judged]
        return f"conditions={given!r} is one combination; a verdict needs at least 2. Name more of {list_some(names)}, or leave it out."
    singles = "A screen of singles is judged by scclamp.tl.benchmark(adata, splits='low_sample')."
    if not names:
        return f"No combinations were measured: adata holds single perturbations only, and a verdict is about at least 2 combinations. Pass the screen with its combinations. {singles}"
    usable = {halved.names[i] for i in judged}
    whys = [f"{name!r} {_why_not(name, halved, known)}" for name in names if name not in usable]
    more = f": {'; '.join(whys[:_SHOWN])}" if whys else ""
    return (
        f"adata holds {len(names)} combination{'s' * (len(names) > 1)} of which {len(usable)} can be judged; a verdict needs at "
        f"least 2{more}. Pass the screen with its combinations and their singles. {singles}"
    )


def _with(conditions: Conditions, rows: np.ndarray, means: np.ndarray, n: np.ndarray) -> Conditions:
    """Some conditions, with these means as the training means."""
    known = replace(conditions, train_mean=means, train_n=n.astype(conditions.train_n.dtype))
    return known.select([conditions.names[i] for i in rows])


def _labels(control: str | tuple[str, ...] | None) -> tuple[str, ...] | None:
    return (control,) if isinstance(control, str) else control
