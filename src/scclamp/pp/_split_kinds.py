"""The kinds of splits: each gives every cell a role, and every held-out condition a subgroup."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp import _holdout as holdout
from scclamp._arguments import require_whole
from scclamp._cells import few_train, generator, train_and_validate
from scclamp._errors import InputError, did_you_mean, list_some
from scclamp._gears import read_split_dict
from scclamp._keys import CONTROL
from scclamp._labels import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

Result = tuple[np.ndarray, dict[str, str]]


@dataclass(frozen=True, eq=False)
class Cells:
    """What a split may look at.

    Parameters
    ----------
    names, ids
        Condition and name of each cell; the condition is empty where there is none.
    targets
        Gene set of each condition.
    genes
        Measured genes.
    contexts
        Context of each cell, when contexts are split.
    """

    names: np.ndarray
    targets: Mapping[str, tuple[str, ...]]
    ids: np.ndarray
    genes: frozenset[str]
    contexts: pd.Series | None

    @cached_property
    def perturbed(self) -> dict[str, tuple[str, ...]]:
        """Gene sets of the conditions that occur, but for the control; sorted."""
        return {name: self.targets[name] for name in sorted(set(self.names) - {CONTROL, ""})}

    @cached_property
    def rows(self) -> dict[str, np.ndarray]:
        """Rows of each condition that occurs."""
        return {name: np.flatnonzero(self.names == name) for name in [CONTROL, *self.perturbed]}


@dataclass(frozen=True)
class Options:
    """Arguments of a split, defaults filled in."""

    kind: str
    seed: int
    train_fraction: float
    share: holdout.Share
    seen: tuple[int, ...]
    by_combination: bool
    n_cells: int
    context_key: str | None
    context: str | None
    split_dict: Mapping[str, Any] | None

    @classmethod
    def of(cls, kind: str, given: dict[str, Any], seed: int) -> Options:
        """Fill in defaults and check ranges."""

        def value(name: str, default: Any) -> Any:
            return default if given[name] is None else given[name]

        train = value("train_fraction", 1.0 if kind == "gears" else 0.8)
        if not _is_number(train) or not 0 < train <= 1:
            raise InputError(f"train_fraction={train!r} must be above 0 and at most 1. The usual value is 0.8.")
        fractions = {"test_fraction": 1.0 if kind == "additive" else 0.2, "val_fraction": 0.0}
        fractions = {name: value(name, default) for name, default in fractions.items()}
        for name, fraction in fractions.items():
            if not _is_number(fraction) or not 0 <= fraction <= 1:
                raise InputError(f"{name}={fraction!r} must be between 0 and 1. Pass a share, such as 0.2.")
        of = value("of", "genes")
        if of not in ("genes", "combinations"):
            raise InputError(f"of={of!r} is not known. Use 'genes' or 'combinations'.")
        n_cells = require_whole("n_cells", value("n_cells", 5))
        names = (
            None if given["test"] is None else tuple(map(str, np.atleast_1d(np.asarray(given["test"], dtype=object))))
        )
        return cls(
            kind,
            seed,
            float(train),
            holdout.Share(float(fractions["test_fraction"]), float(fractions["val_fraction"]), names),
            _numbers(value("seen", (0, 1, 2))),
            of == "combinations",
            n_cells,
            given["context_key"],
            None if given["context"] is None else str(given["context"]),
            given["split_dict"],
        )

    def params(self) -> dict[str, Any]:
        """What reproduces the split, as JSON can hold it."""
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        share = found.pop("share")
        found |= {"test_fraction": share.test, "val_fraction": share.val, "test": share.names}
        found["split_dict"] = self.split_dict is not None
        return found


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _numbers(seen: Any) -> tuple[int, ...]:
    numbers = np.atleast_1d(np.asarray(seen, dtype=object))
    if not numbers.size or not all(
        isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 0 for n in numbers
    ):
        raise InputError(f"seen={seen!r} must be numbers of seen genes from 0 on. Pass for example (0, 1, 2).")
    return tuple(int(n) for n in numbers)


def roles_of(cells: Cells, options: Options) -> Result:
    """Role of each cell, empty where it has none, and subgroup of each held-out condition."""
    if options.kind == "context":
        return _context(cells, options)
    if options.kind == "low_sample":
        return _low_sample(cells, options)
    if options.kind == "gears":
        genes = cells.genes.union(*cells.perturbed.values())
        roles, groups = read_split_dict(options.split_dict or {}, list(cells.perturbed), genes)
        return _spread(cells, roles, options), holdout.subgroups(cells.perturbed, roles) | groups
    roles = _by_condition(cells, options)
    return _spread(cells, roles, options), holdout.subgroups(cells.perturbed, roles)


def _by_condition(cells: Cells, options: Options) -> dict[str, str]:
    targets, rng = cells.perturbed, generator(options.seed, "conditions")
    share = _named(cells, options)
    match options.kind:
        case "singles":
            return holdout.hold_out_singles(targets, share, rng)
        case "combinations":
            return holdout.by_seen(targets, share, options.seen, rng)
        case "additive":
            return holdout.hold_out_combinations(targets, share, rng, rest=holdout.TEST)
        case "holdout" if options.by_combination:
            return holdout.hold_out_combinations(targets, share, rng, rest=holdout.TRAIN)
        case "holdout":
            return holdout.hold_out_genes(targets, share, rng)
        case _:
            return dict.fromkeys(targets, holdout.TRAIN)


def _named(cells: Cells, options: Options) -> holdout.Share:
    """What to hold out, conditions in any order of their genes."""
    share = options.share
    if share.names is None or (options.kind == "holdout" and not options.by_combination):
        return share
    genes = cells.genes.union(*cells.perturbed.values())
    names = tuple(name if name in cells.perturbed else canonical(name, genes=genes) for name in share.names)
    return holdout.Share(share.test, share.val, names)


def _spread(cells: Cells, by_condition: Mapping[str, str], options: Options) -> np.ndarray:
    """Roles of cells: whole conditions validate and test, the cells of the others train and validate."""
    roles = np.full(cells.names.size, "", dtype=object)
    training = {name: rows for name, rows in cells.rows.items() if by_condition.get(name, "") == holdout.TRAIN}
    training[CONTROL] = cells.rows[CONTROL]
    train_and_validate(roles, training, cells.ids, options.train_fraction, options.seed)
    for name, rows in cells.rows.items():
        if name not in training:
            roles[rows] = by_condition.get(name, "")
    return roles


def _low_sample(cells: Cells, options: Options) -> Result:
    pool = sorted(name for name in cells.perturbed if cells.rows[name].size > options.n_cells)
    what = f"conditions with more than n_cells={options.n_cells} cells"
    few, _ = _named(cells, options).draw(pool, what, generator(options.seed, "conditions"), 0)
    by_condition = {name: "few" if name in few else holdout.TRAIN for name in cells.perturbed}
    roles = _spread(cells, by_condition, options)
    few_train(roles, {name: cells.rows[name] for name in sorted(few)}, cells.ids, options.n_cells, options.seed)
    return roles, dict.fromkeys(few, "low_sample")


def _context(cells: Cells, options: Options) -> Result:
    if cells.contexts is None or options.context is None:
        raise InputError("kind='context' needs context_key= and context=. Pass them.")
    contexts = cells.contexts.astype(object).where(cells.contexts.notna(), "").astype(str).to_numpy()
    known = sorted(set(contexts) - {""})
    if options.context not in known:
        hint = did_you_mean(options.context, known)
        msg = f"context={options.context!r} does not occur in obs[{options.context_key!r}].{hint}"
        raise InputError(f"{msg} There are {list_some(known, 20) or 'none'}.")
    here = (contexts == options.context) & (cells.names != "")
    for where, inside in ((f"context={options.context!r}", here), ("the other contexts", ~here & (contexts != ""))):
        found = set(cells.names[inside]) - {""}
        if CONTROL not in found or len(found) < 2:
            what = "control cells" if CONTROL not in found else "perturbed cells"
            msg = f"kind='context' needs control and perturbed cells on both sides, and {where} has 0 {what}."
            raise InputError(f"{msg} Leave another context out.")
    roles = np.full(cells.names.size, "", dtype=object)
    roles[here] = holdout.TEST
    groups: dict[str, np.ndarray] = {}
    for other in (name for name in known if name != options.context):
        for name, rows in cells.rows.items():
            if (inside := rows[contexts[rows] == other]).size:
                groups[f"{name}\n{other}"] = inside
    train_and_validate(roles, groups, cells.ids, options.train_fraction, options.seed)
    trained = set(cells.names[roles == holdout.TRAIN])
    tested = set(cells.names[here]) - {CONTROL}
    return roles, {name: "seen_elsewhere" if name in trained else "unseen" for name in tested}
