"""Finds the perturbation column: the one that is named, or the one that can only be it."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from scclamp._errors import InputError, InputWarning, did_you_mean, list_some
from scclamp._guides import strip_guides
from scclamp._keys import CONTROL
from scclamp._labels import is_control_token, parse_labels
from scclamp._reading import Reading, categories_of, frequent, read_labels, require_controls, require_readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp._columns import Table
    from scclamp._reading import Parser

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
        control and a gene of the panel. When several such columns tell different stories, none is chosen; when not its name
        but what it holds decided for one, a warning names it.
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
        reading = _recognise(table, controls, parse, argument)
        if reading.guessed and parse is parse_labels:
            # pp.perturbations, which has a parser of its own, prints what it read.
            warnings.warn(_tell_guess(reading, argument), InputWarning, stacklevel=4)
        return reading
    key = table.harmonised if perturbation_key is None else perturbation_key
    reading = read_labels(table, str(key), controls, parse, argument)
    require_controls(reading, controls)
    require_readable(reading, parse)
    if CONTROL not in reading.report.mapped.values():
        msg = (
            f"control={control!r}: obs[{key!r}] has no control observations. The most frequent labels are "
            f"{frequent(reading.raw)}. Pass control= with the label of unperturbed cells."
        )
        raise InputError(msg + (_explain_guides(table, reading) if parse is parse_labels else ""))
    return reading


def _tell_guess(reading: Reading, argument: str) -> str:
    return (
        f"{argument}=None: by what it holds, obs[{reading.key!r}] was taken for the perturbations, and in it "
        f"{list_some(reading.controls())} for the control. Pass {argument}={reading.key!r} if that is right, or the right column; "
        "control= names other control labels."
    )


def _explain_guides(table: Table, reading: Reading) -> str:
    """The way to read guides, when that is what the labels are."""
    found = strip_guides(map(str, reading.raw.categories), table.adata.var_names.__contains__, is_control_token)
    return f" If these are guides, call scclamp.pp.perturbations(adata, key={reading.key!r}) first." if found else ""


def _recognise(table: Table, controls: list[str] | None, parse: Parser, argument: str) -> Reading:
    by_name = {c.casefold(): c for c in reversed(table.columns)}
    usual = list(dict.fromkeys(by_name[c.casefold()] for c in CANDIDATES if c.casefold() in by_name))
    found = _plausible(table, usual, controls, parse, argument)
    most_usual = found[0].key if found else ""
    named = [r for r in found if r.names_genes(table.adata)]
    if not named and not found:
        found = _plausible(table, [c for c in table.columns if c not in usual], controls, parse, argument)
        found = [r for r in found if r.names_genes(table.adata)]
    found = named or found
    readable = [r for r in found if not r.report.ambiguous]
    if found and not readable:
        require_readable(found[0], parse)
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
    return replace(readable[0], guessed=readable[0].key != most_usual)


def _plausible(
    table: Table, keys: list[str], controls: list[str] | None, parse: Parser, argument: str
) -> list[Reading]:
    """Read the text columns that have the controls and something else."""
    readings = []
    for key in keys:
        column = table.read(key, argument)
        if pd.api.types.is_numeric_dtype(column.dtype):
            continue
        present = {str(c).strip() for c in categories_of(column).categories}
        if controls is not None and not present.issuperset(c.strip() for c in controls):
            continue
        reading = read_labels(table, key, controls, parse, argument)
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
        raw = categories_of(column)
        genes = pd.Index([re.split(r"[+_,;|]", str(label))[0].strip() for label in raw.categories])
        if len(genes) < 2 or genes.isin(table.adata.var_names).mean() < 0.5:
            continue
        if any(is_control_token(str(label)) for label in raw.categories):
            # With its control read, it is the other labels that could not be.
            require_readable(read_labels(table, key, None, parse, argument), parse)
            continue
        return (
            f"obs[{key!r}] names genes, but none of its labels was recognised as the control. The most frequent "
            f"ones are {frequent(raw)}. Pass {argument}={key!r} and control= with the label of unperturbed cells."
        )
    return ""


def _explain_wrong_control(table: Table, controls: list[str], parse: Parser, argument: str) -> str:
    """What the column that is recognised without the given controls has instead of them; nothing when there is none."""
    try:
        reading = _recognise(table, None, parse, argument)
    except InputError:
        return ""
    labels = [str(label) for label in reading.raw.categories]
    missing = [c for c in controls if c.strip() not in {label.strip() for label in labels}]
    if not missing:
        return ""
    which = f"{list_some(missing)} {'is no label' if len(missing) == 1 else 'are no labels'}"
    near = "".join(did_you_mean(c, labels) for c in missing)
    return (
        f"control={controls!r}: {which} of obs[{reading.key!r}], the column that looks like the perturbations.{near} Its labels "
        f"that look like controls are {list_some(reading.controls())}: leave control= out to take them, or pass one exactly as written."
    )


def _explain_nothing_found(
    table: Table, usual: list[str], controls: list[str] | None, parse: Parser, argument: str
) -> str:
    columns = list_some(table.columns, 20) or "none"
    msg = f"{argument}=None: no column was recognised as perturbation labels. The columns of adata.obs are {columns}. "
    if controls is None:
        if near := _explain_nearest(table, parse, argument):
            return near
        other = "; or let pp.perturbations read the labels" if parse is parse_labels else ""
        return f"{msg}Pass {argument}=, and control= if its control label is unusual{other}."
    if wrong := _explain_wrong_control(table, controls, parse, argument):
        return wrong
    near = ""
    for key in usual:
        raw = categories_of(table.read(key, argument))
        near += "".join(did_you_mean(c, raw.categories) for c in controls)
        near += f" The most frequent labels of obs[{key!r}] are {frequent(raw)}."
    return f"control={controls!r} and {msg}Pass control= exactly as written, and {argument}=.{near}"
