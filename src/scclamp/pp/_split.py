"""`pp.split`: what trains, validates and tests, checked before it is written."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from scclamp._cells import seed_of
from scclamp._columns import unwrap
from scclamp._errors import InputError, did_you_mean
from scclamp._keys import CONTROL
from scclamp._recognise import read_perturbations
from scclamp.pp._split_kinds import Cells, Options, roles_of
from scclamp.pp._writing import require_writable, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from mudata import MuData

Kind = Literal["cells", "singles", "combinations", "additive", "holdout", "low_sample", "context", "gears"]
_ROLES = ("train", "val", "test")
_USES: dict[str, tuple[str, ...]] = {
    "cells": (),
    "singles": ("test_fraction", "val_fraction", "test"),
    "combinations": ("test_fraction", "seen"),
    "additive": ("test_fraction", "val_fraction", "test"),
    "holdout": ("test_fraction", "val_fraction", "test", "of"),
    "low_sample": ("test_fraction", "test", "n_cells"),
    "context": ("context_key", "context"),
    "gears": ("split_dict",),
}
_logger = logging.getLogger(__name__)


def split(
    adata: AnnData | MuData,
    kind: Kind = "cells",
    *,
    perturbation_key: str | None = None,
    control: str | Sequence[str] | None = None,
    mod: str | None = None,
    train_fraction: float | None = None,
    test_fraction: float | None = None,
    val_fraction: float | None = None,
    test: Sequence[str] | None = None,
    seen: int | Sequence[int] | None = None,
    of: Literal["genes", "combinations"] | None = None,
    n_cells: int | None = None,
    context_key: str | None = None,
    context: str | None = None,
    split_dict: Mapping[str, Any] | None = None,
    rng: int | np.random.Generator | None = 0,
    key_added: str = "split",
) -> None:
    """Split a screen into training, validation and test, for ``tl.fit(adata, split_key="split")``.

    Cells of training conditions, controls among them, train and validate 80 to 20 as in the paper; the conditions that are
    held out test as a whole. What is held out depends on the kind:

    - ``"cells"``: nothing.
    - ``"singles"``: a share of the genes perturbed alone, with the combinations that hold them.
    - ``"combinations"``: as GEARS' simulation, a share of the genes, and of the combinations of the other genes, so that
      combinations with 0, 1 and 2 seen genes are tested.
    - ``"additive"``: combinations whose genes are all perturbed alone; all singles train. Combinations of other genes, which
      no sum predicts, are tested beside them.
    - ``"holdout"``: a share of all perturbed genes, so that singles and combinations of unseen genes are tested; with
      ``of="combinations"`` a share of the combinations instead.
    - ``"low_sample"``: a share of the conditions, but for a few cells each that train.
    - ``"context"``: one cell line, batch or donor, with its controls.
    - ``"gears"``: what a dictionary of GEARS says.

    Draws go by names: neither the order of the cells nor other conditions change which cells of a condition train.

    Parameters
    ----------
    adata
        Cells or pseudobulk; expression is not read. MuData needs `mod`.
    kind
        What is held out.
    perturbation_key, control
        Column of `obs` with the perturbations and label of its controls; recognised by default.
    mod
        Modality of a MuData, to which the split is written.
    train_fraction
        Share of the cells of a training condition that train, the others validate. 0.8 by default; 1 for `"gears"`.
    test_fraction
        Share that is held out; 0.2 by default, and 1 for `"additive"`.
    val_fraction
        Share of the same conditions (or genes) that validate as a whole; 0 by default.
    test
        What to hold out by name instead of a draw: conditions, or genes for `"holdout"`.
    seen
        Numbers of seen genes that must occur among the tested combinations; 0, 1 and 2 by default. With 2 alone, no gene is
        held out.
    of
        What `"holdout"` holds out: `"genes"` by default, or `"combinations"`.
    n_cells
        Training cells of a `"low_sample"` condition; 5 by default. With ``test_fraction=1`` every condition has so few.
    context_key, context
        Column of `obs` and its value that is left out.
    split_dict
        Condition strings by train, val and test; may hold GEARS' `test_subgroup` as well.
    rng
        Seed or generator. The seed that was used is recorded.
    key_added
        Name of the column, and of the record.

    Returns
    -------
    None. These fields are written:

    `obs[key_added]` : categorical
        `train`, `val` or `test`; missing for cells without a perturbation.
    `uns[key_added]` : dict
        `params` (JSON) and `conditions`, a DataFrame with a row for each condition: its number of cells `n_train`, `n_val`
        and `n_test`, and its `subgroup` when it is held out (`unseen_single`, `combo_seen0`, ...).

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.pp.split(adata, "additive")
    >>> adata.obs["split"].value_counts()[["train", "val", "test"]].tolist()
    [176, 44, 120]
    >>> adata.uns["split"]["conditions"].loc["REG01+REG05", "subgroup"]
    'combo_seen2'
    """
    given: dict[str, Any] = {"train_fraction": train_fraction, "test_fraction": test_fraction, "test": test, "of": of}
    given |= {"val_fraction": val_fraction, "seen": seen, "n_cells": n_cells, "context_key": context_key}
    given |= {"context": context, "split_dict": split_dict}
    _check(kind, given)
    table = unwrap(adata, mod)
    require_writable(table.adata, "key_added", key_added)
    options = Options.of(kind, given, seed_of(rng))
    reading = read_perturbations(table, perturbation_key=perturbation_key, control=control)
    if key_added in (reading.key, context_key):
        raise InputError(f"key_added={key_added!r} is the column that is read. Take another name.")
    cells = Cells(
        names=reading.names(),
        targets=reading.report.targets,
        ids=np.asarray(table.adata.obs_names, dtype=str),
        genes=frozenset(map(str, table.adata.var_names)),
        contexts=None if options.context_key is None else table.read(options.context_key, "context_key"),
    )
    roles, groups = roles_of(cells, options)
    column = pd.Categorical([role or None for role in roles], categories=pd.Index(_ROLES, dtype=object), ordered=False)
    conditions = _conditions(cells, roles, groups)
    _require_usable(kind, conditions)
    params = {**options.params(), "kind": kind, "perturbation_key": reading.key, "mod": mod}
    record = {"params": json.dumps(params, sort_keys=True), "conditions": conditions}
    write(table.adata, {key_added: column}, {key_added: record})
    total = conditions[["n_train", "n_val", "n_test"]].sum()
    _logger.info("obs[%r]: %d train, %d val, %d test cells, kind=%r", key_added, *total, kind)


def _check(kind: str, given: dict[str, Any]) -> None:
    """Refuse kinds that do not exist, and arguments that would change nothing."""
    if kind not in _USES:
        hint = did_you_mean(str(kind), get_args(Kind))
        raise InputError(f"kind={kind!r} is not known.{hint} Use one of {', '.join(get_args(Kind))}.")
    uses = {"train_fraction", *_USES[kind]}
    for name, value in given.items():
        if value is not None and name not in uses:
            others = [other for other, used in _USES.items() if name in used]
            raise InputError(f"{name}= is not used by kind={kind!r}, but by {', '.join(others)}. Leave it out.")
    for name in ("context_key", "context", "split_dict"):
        if name in _USES[kind] and given[name] is None:
            raise InputError(f"kind={kind!r} needs {name}=. Pass it.")


def _conditions(cells: Cells, roles: np.ndarray, groups: dict[str, str]) -> pd.DataFrame:
    counted = pd.crosstab(pd.Series(cells.names), pd.Series(roles)).drop(index="", errors="ignore")
    table = pd.DataFrame({f"n_{role}": counted.get(role, 0) for role in _ROLES}, index=counted.index).astype(np.int64)
    table = table.loc[[CONTROL, *table.index.drop(CONTROL)]]
    table["subgroup"] = [groups.get(name, "") for name in table.index]
    table.index = pd.Index(list(map(str, table.index)), name="condition")
    return table


def _require_usable(kind: str, conditions: pd.DataFrame) -> None:
    """Check that what is needed to fit is there, and that the kind tests what it says."""
    if not conditions.loc[CONTROL, "n_train"]:
        raise InputError(f"kind={kind!r} leaves 0 control cells to train. Give the training set some control cells.")
    others = conditions.drop(index=CONTROL)
    if not (others["n_train"] > 0).any():
        raise InputError(f"kind={kind!r} leaves 0 perturbed conditions to train. Hold out less.")
    if kind == "cells" and not conditions["n_val"].sum() and not (conditions["n_train"] > 1).any():
        msg = f"kind='cells' needs a condition with 2 observations, and all {len(conditions)} have 1 (pseudobulk?)."
        raise InputError(f"{msg} Split cells before averaging them, or hold out conditions.")
    if kind != "cells" and not others["n_test"].sum() and not others["n_val"].sum():
        raise InputError(f"kind={kind!r} leaves 0 perturbed cells to test. Hold out more.")
