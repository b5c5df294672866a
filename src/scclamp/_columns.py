"""Finds the data and its perturbation column: AnnData or MuData, in memory, backed or lazy."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._errors import InputError, did_you_mean, list_some
from scclamp._keys import CONTROL, HARMONISED, SEPARATOR
from scclamp._labels import LabelReport, is_control_token, parse_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from anndata import AnnData

    Parser = Callable[..., LabelReport]

CANDIDATES = (
    "perturbation",
    "condition",
    "target_gene",
    "gene_target",
    "target",
    "gene",
    "perturbation_name",
    "cond_harm",
    "perturbed_gene",
    "guide_identity",
    "guide_target",
    "guide_ids",
    "guide_id",
    "sgRNA",
)
"""Columns looked at when no `perturbation_key` is given, the most specific names of a screen's targets first."""


def read_column(frame: Any, key: str) -> pd.Series:
    """Read one column of `obs` or `var`; a lazy table gives xarray's type, which is read here."""
    column = frame[key]
    return column if isinstance(column, pd.Series) else column.to_pandas()


@dataclass(frozen=True)
class Table:
    """Columns that describe the observations of one AnnData, those of its MuData included.

    Parameters
    ----------
    adata
        The data.
    parent
        The MuData around it, whose `obs` may hold the labels.
    """

    adata: AnnData
    parent: Any = None

    @property
    def harmonised(self) -> str | None:
        """Column that `pp.perturbations` wrote, if there is one."""
        record: Any = self.adata.uns.get(HARMONISED)
        if not hasattr(record, "keys") or not {"params", "report"}.issubset(record):
            return None
        try:
            params = json.loads(str(record["params"]))
        except ValueError:
            # Another tool uses the key for something else.
            return None
        key = params.get("added") if isinstance(params, dict) else None
        return key if key in self.columns else None

    @property
    def columns(self) -> list[str]:
        """Names of all columns that have a text for a name, those of the AnnData first."""
        outer = [] if self.parent is None else list(self.parent.obs.columns)
        return [c for c in dict.fromkeys([*self.adata.obs.columns, *outer]) if isinstance(c, str)]

    def read(self, key: str, argument: str) -> pd.Series:
        """Read one column as it is, or raise an error that names the argument and near matches."""
        if key not in self.columns:
            known = list_some(self.columns, 20) or "none"
            msg = f"{argument}={key!r} is not a column of adata.obs.{did_you_mean(str(key), self.columns)} There are {known}."
            raise InputError(msg)
        if key in self.adata.obs.columns:
            return read_column(self.adata.obs, key)
        if not self.parent.obs_names.is_unique:
            msg = f"{argument}={key!r} is a column of the MuData, whose obs_names are not unique. Make them unique."
            raise InputError(msg)
        return self.parent.obs.loc[self.adata.obs_names, key]


@dataclass(frozen=True)
class Reading:
    """The perturbation column of a data set, read.

    Parameters
    ----------
    key
        Name of the column.
    report
        How its labels were read.
    raw
        Label of each observation; missing ones are empty.
    """

    key: str
    report: LabelReport
    raw: pd.Categorical

    def names(self) -> np.ndarray:
        """Canonical name of each observation; empty where there is none."""
        table = [self.report.mapped.get(label, "") for label in self.raw.categories]
        return np.array([*table, ""], dtype=object)[self.raw.codes]

    def names_genes(self, adata: AnnData) -> bool:
        """Whether at least one target is a gene of the panel."""
        return any(g in adata.var_names for targets in self.report.targets.values() for g in targets)

    def dropped(self) -> dict[str, int]:
        """Number of observations left out for each label that names no perturbation, missing ones under ''."""
        counts = np.bincount(self.raw.codes + 1, minlength=len(self.raw.categories) + 1)
        found = {"": int(counts[0])} if counts[0] else {}
        for label, count in zip(self.raw.categories, counts[1:], strict=True):
            if label in self.report.dropped and count:
                found[label] = found.get(label, 0) + int(count)
        return found


def unwrap(data: Any, mod: str | None) -> Table:
    """Return the AnnData inside `data`, with a table of its observations.

    Parameters
    ----------
    data
        AnnData, or MuData.
    mod
        Modality of a MuData.
    """
    kinds = {kind.__name__ for kind in type(data).__mro__}
    if "MuData" in kinds:
        known = list_some(data.mod, 20)
        if mod is None:
            msg = f"mod=None, but the data is a MuData. Pass mod= with one of its modalities: {known}."
            raise InputError(msg)
        if mod not in data.mod:
            msg = f"mod={mod!r} is not a modality.{did_you_mean(str(mod), data.mod)} There are {known}."
            raise InputError(msg)
        return Table(data.mod[mod], data)
    if "AnnData" not in kinds:
        msg = f"adata={type(data).__name__} object cannot be used. Pass an AnnData, or a MuData with mod=."
        raise InputError(msg)
    if mod is not None:
        msg = f"mod={mod!r} was given, but the data is an AnnData and has no modalities. Leave mod=None."
        raise InputError(msg)
    return Table(data)


def read_perturbations(
    table: Table,
    *,
    perturbation_key: str | None = None,
    control: str | Sequence[str] | None = None,
    parse: Parser = parse_labels,
    argument: str = "perturbation_key",
) -> Reading:
    """Find and read the perturbation column.

    Parameters
    ----------
    table
        The data.
    perturbation_key
        Name of the column. By default the one that `pp.perturbations` wrote; without it the first of `CANDIDATES` with a
        control and a perturbation, columns that name genes of the panel before others; failing that, any text column with a
        control and a gene of the panel. When several such columns tell different stories, none is chosen.
    control
        Label or labels of control observations, exactly as written.
    parse
        Reads labels, as `parse_labels` does.
    argument
        What the caller calls `perturbation_key`, for messages.

    Returns
    -------
    The column, read; it has at least one control observation.
    """
    controls = None if control is None else [control] if isinstance(control, str) else [str(c) for c in control]
    if perturbation_key is None and (table.harmonised is None or parse is not parse_labels):
        return _recognise(table, controls, parse, argument)
    key = table.harmonised if perturbation_key is None else perturbation_key
    reading = _read(table, str(key), controls, parse, argument)
    _require_controls(reading, controls)
    _require_readable(reading, parse)
    if CONTROL not in reading.report.mapped.values():
        msg = (
            f"control={control!r}: obs[{key!r}] has no control observations. The most frequent labels are "
            f"{_frequent(reading.raw)}. Pass control= with the label of unperturbed cells."
        )
        raise InputError(msg)
    return reading


def _read(table: Table, key: str, controls: list[str] | None, parse: Parser, argument: str) -> Reading:
    raw = _categories(table.read(key, argument))
    genes: Collection[str] = table.adata.var_names
    if key == table.harmonised:
        # Its separator is known, so that a gene which was not measured may hold any other.
        genes = {*genes, *(part for label in raw.categories for part in str(label).split(SEPARATOR))}
    return Reading(key, parse(raw.categories, genes=genes, control=controls), raw)


def _require_readable(reading: Reading, parse: Parser) -> None:
    # Who calls with another parser, as pp.perturbations does, has its own remedies.
    guides = f" Guides, plasmids and contexts are read by scclamp.pp.perturbations(adata, key={reading.key!r})."
    reading.report.require_readable(f"obs[{reading.key!r}]", guides if parse is parse_labels else "")


def _categories(column: pd.Series) -> pd.Categorical:
    """Labels as text with unused ones removed; missing ones keep the code -1."""
    labels = column.array if isinstance(column.dtype, pd.CategoricalDtype) else pd.Categorical(column.astype(object))
    used = labels.remove_unused_categories()
    text = [str(c) for c in used.categories]
    unique = list(dict.fromkeys(text))
    recode = np.array([*(unique.index(t) for t in text), -1]) if len(unique) < len(text) else None
    codes = used.codes if recode is None else recode[used.codes]
    return pd.Categorical.from_codes(codes, categories=pd.Index(unique, dtype=object))


def _frequent(raw: pd.Categorical) -> str:
    counts = np.bincount(raw.codes[raw.codes >= 0], minlength=len(raw.categories))
    order = np.argsort(-counts, kind="stable")
    return list_some([str(raw.categories[i]) for i in order[:5]], 5) or "none"


def _require_controls(reading: Reading, controls: list[str] | None) -> None:
    if controls is None:
        return
    present = {str(c).strip() for c in reading.raw.categories}
    for label in controls:
        if label.strip() not in present:
            msg = (
                f"control={label!r} does not occur in obs[{reading.key!r}].{did_you_mean(label, present)} "
                f"The most frequent labels are {_frequent(reading.raw)}."
            )
            raise InputError(msg)


def _recognise(table: Table, controls: list[str] | None, parse: Parser, argument: str) -> Reading:
    by_name = {c.casefold(): c for c in reversed(table.columns)}
    usual = list(dict.fromkeys(by_name[c.casefold()] for c in CANDIDATES if c.casefold() in by_name))
    found = _plausible(table, usual, controls, parse, argument)
    named = [r for r in found if r.names_genes(table.adata)]
    if not named and not found:
        found = _plausible(table, [c for c in table.columns if c not in usual], controls, parse, argument)
        found = [r for r in found if r.names_genes(table.adata)]
    found = named or found
    readable = [r for r in found if not r.report.ambiguous]
    if found and not readable:
        _require_readable(found[0], parse)
    if not found:
        raise InputError(_explain_nothing_found(table, usual, controls, parse, argument))
    first = readable[0].names()
    for other in readable[1:]:
        names = other.names()
        if ((names != first) & (names != "") & (first != "")).any():
            msg = (
                f"{argument}=None: the columns {list_some([r.key for r in readable], 20)} all look like "
                f"perturbation labels and differ. Pass {argument}= with the right one."
            )
            raise InputError(msg)
    return readable[0]


def _plausible(
    table: Table, keys: list[str], controls: list[str] | None, parse: Parser, argument: str
) -> list[Reading]:
    """Read the text columns that have the controls and something else."""
    readings = []
    for key in keys:
        column = table.read(key, argument)
        if pd.api.types.is_numeric_dtype(column.dtype):
            continue
        present = {str(c).strip() for c in _categories(column).categories}
        if controls is not None and not present.issuperset(c.strip() for c in controls):
            continue
        reading = _read(table, key, controls, parse, argument)
        named = set(reading.report.mapped.values())
        if CONTROL in named and len(named) > 1:
            readings.append(reading)
    return readings


def _explain_nearest(table: Table, parse: Parser, argument: str) -> str:
    """What keeps a column that names genes from being recognised; nothing when no column does."""
    for key in table.columns:
        column = table.read(key, argument)
        if pd.api.types.is_numeric_dtype(column.dtype):
            continue
        raw = _categories(column)
        genes = pd.Index([re.split(r"[+_,;|]", str(label))[0].strip() for label in raw.categories])
        if len(genes) < 2 or genes.isin(table.adata.var_names).mean() < 0.5:
            continue
        if any(is_control_token(str(label)) for label in raw.categories):
            # With its control read, it is the other labels that could not be.
            _require_readable(_read(table, key, None, parse, argument), parse)
            continue
        return (
            f"obs[{key!r}] names genes, but none of its labels was recognised as the control. The most frequent "
            f"ones are {_frequent(raw)}. Pass {argument}={key!r} and control= with the label of unperturbed cells."
        )
    return ""


def _explain_nothing_found(
    table: Table, usual: list[str], controls: list[str] | None, parse: Parser, argument: str
) -> str:
    columns = list_some(table.columns, 20) or "none"
    msg = f"{argument}=None: no column was recognised as perturbation labels. The columns of adata.obs are {columns}. "
    if controls is None:
        if near := _explain_nearest(table, parse, argument):
            return near
        return msg + (
            f"Pass {argument}=, and control= if its control label is unusual; or let pp.perturbations read the labels."
        )
    near = ""
    for key in usual:
        raw = _categories(table.read(key, argument))
        near += "".join(did_you_mean(c, raw.categories) for c in controls)
        near += f" The most frequent labels of obs[{key!r}] are {_frequent(raw)}."
    return f"control={controls!r} and {msg}Pass control= exactly as written, and {argument}=.{near}"
