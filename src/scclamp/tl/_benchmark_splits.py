"""From what a user passes as `splits=` to screens whose observations have roles, one for each seed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import anndata as ad
import numpy as np
import pandas as pd

from scclamp._columns import read_column, unwrap
from scclamp._errors import InputError, did_you_mean
from scclamp._keys import CONTROL, PERTURBATION
from scclamp._split import LEFT_OUT, TRAIN, read_roles
from scclamp.pp._split import Kind, split
from scclamp.tl._benchmark_screen import Screen


@dataclass(frozen=True)
class Split:
    """A column of `obs`, or arguments of `pp.split`.

    Parameters
    ----------
    name
        For the table.
    column
        Column with roles; None draws them.
    arguments
        Of `pp.split`, its `kind` among them.
    """

    name: str
    column: str | None
    arguments: Mapping[str, Any]

    def apply(self, screen: Screen, seed: int) -> Screen:
        """Give the observations of a screen their roles; a column gives the same ones for every seed."""
        cells = screen.cells
        table = unwrap(screen.data, screen.mod)
        if self.column is not None:
            roles = read_roles(table.read(self.column, "splits"), self.column)
        else:
            roles = read_roles(_draw(screen, dict(self.arguments), seed), self.name)
        roles = np.where(cells.codes >= 0, roles, LEFT_OUT).astype(np.int8)
        found = screen.under(roles, f"{self.name}, seed {seed}")
        if not found.cells.counts(TRAIN)[0]:
            raise InputError(f"splits: {self.name!r} leaves no control observation to train. Give it some.")
        if not found.judged:
            raise InputError(f"splits: {self.name!r} leaves nothing perturbed to test or validate. Hold something out.")
        return found


def read_splits(splits: Any, screen: Screen) -> list[Split]:
    """Read columns of `obs`, kinds of `pp.split`, or a mapping from names to arguments of it.

    A word that is both is the column.
    """
    columns = unwrap(screen.data, screen.mod).columns
    if isinstance(splits, Mapping):
        found = [_with_arguments(str(name), arguments) for name, arguments in splits.items()]
    else:
        found = [_named(word, columns) for word in ([splits] if isinstance(splits, str) else splits)]
    if not found:
        raise InputError("splits is empty. Name a column of obs, or a kind of pp.split such as 'additive'.")
    return list({each.name: each for each in found}.values())


def _named(word: Any, columns: list[str]) -> Split:
    kinds = get_args(Kind)
    if word in columns:
        return Split(word, word, {})
    if word not in kinds:
        hint = did_you_mean(str(word), [*columns, *kinds])
        raise InputError(f"splits: {word!r} is neither a column of obs nor a kind of pp.split.{hint} {_KINDS}")
    return Split(word, None, {"kind": word})


def _with_arguments(name: str, arguments: Any) -> Split:
    if not isinstance(arguments, Mapping) or "kind" not in arguments:
        msg = f"splits[{name!r}]={arguments!r} must be a dict of arguments of pp.split with its kind. {_KINDS}"
        raise InputError(msg)
    if reserved := sorted({"rng", "key_added", "mod", "perturbation_key", "control"}.intersection(arguments)):
        raise InputError(f"splits[{name!r}] sets {reserved[0]!r}, which the benchmark sets itself. Leave it out.")
    return Split(name, None, dict(arguments))


def _draw(screen: Screen, arguments: dict[str, Any], seed: int) -> pd.Series:
    """Roles that `pp.split` draws, on a stand-in of the data that holds nothing but labels."""
    table = unwrap(screen.data, screen.mod)
    names = np.array([*screen.cells.names, None], dtype=object)[screen.cells.codes]
    obs = pd.DataFrame({PERTURBATION: names}, index=pd.Index(np.asarray(table.adata.obs_names, dtype=object)))
    context = arguments.get("context_key")
    if context is not None:
        obs[context] = np.asarray(table.read(context, "context_key"))
    light = ad.AnnData(obs=obs, var=pd.DataFrame(index=table.adata.var_names))
    split(light, perturbation_key=PERTURBATION, control=CONTROL, rng=seed, key_added="_role", **arguments)
    return read_column(light.obs, "_role")


def to_text(split: Split) -> str:
    """Text that differs whenever two splits do."""
    return json.dumps([split.name, split.column, split.arguments], sort_keys=True, default=repr)


_KINDS = f"Kinds are {', '.join(map(repr, get_args(Kind)))}."
