"""What `pp.perturbations` made of every label: the table that is stored, an outline to print, and all of it for the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._errors import list_some
from scclamp._harmonise import TAKEN
from scclamp._keys import CONTROL

if TYPE_CHECKING:
    from scclamp._reading import Reading

_SHOWN = 5
"""Labels that a line of the outline names."""


def tabulate(reading: Reading, harmony: Any) -> pd.DataFrame:
    """One row for each label, missing ones last."""
    counts = np.bincount(reading.raw.codes + 1, minlength=len(reading.raw.categories) + 1)
    rows = []
    for label, n_cells in zip(map(str, reading.raw.categories), counts[1:], strict=True):
        note = harmony.notes.get(label, "")
        if label in harmony.mapped:
            status = "renamed" if label in harmony.renamed else "mapped"
        elif harmony.dropped[label] == "ambiguous":
            status = "ambiguous"
        else:
            status, note = "dropped", "; ".join(filter(None, [harmony.dropped[label], note]))
        rows.append((label, harmony.mapped.get(label, ""), int(n_cells), status, note))
    if counts[0]:
        rows.append(("", "", int(counts[0]), "dropped", "missing"))
    report = pd.DataFrame(rows, columns=["label", "perturbation", "n_cells", "status", "note"])
    report.index = report.index.astype(str)
    return report


def outline(report: pd.DataFrame, added: str, key: str) -> str:
    """A few lines, however many labels there are: counts, and the first labels of what was not simply taken over."""
    named = report.loc[report["perturbation"] != "", "perturbation"].unique()
    found = _n(len(set(named) - {CONTROL}), "perturbation") + (" and the control" if CONTROL in named else "")
    lines = [f"obs[{added!r}] from obs[{key!r}]: {_n(int(report['n_cells'].sum()), 'cell')}, {found}"]
    for status in ("mapped", "renamed", "dropped", "ambiguous"):
        rows = report[report["status"] == status]
        if len(rows):
            which = "" if status == "mapped" else f": {_some(rows, becomes=status == 'renamed')}"
            lines.append(f"  {status}: {_n(len(rows), 'label')}, {_n(int(rows['n_cells'].sum()), 'cell')}{which}")
    for what, mark in ((TAKEN, TAKEN), ("with genes that are not measured", "not measured: ")):
        rows = report[report["note"].str.contains(mark, regex=False)]
        if len(rows):
            lines.append(f"  {what}: {_n(len(rows), 'label')}, {_n(int(rows['n_cells'].sum()), 'cell')}: {_some(rows)}")
    others = report.loc[report["note"].str.contains(f"{TAKEN}, beside", regex=False), "note"]
    if len(others):
        lines.append(f"  {others.iloc[0][others.iloc[0].index(TAKEN) :]}")
    return "\n".join(lines) + "\n"


def _some(rows: pd.DataFrame, *, becomes: bool = False) -> str:
    """The first labels, cut where they are long, and what they became."""
    first = [_cut(label) + (f" -> {_cut(name)}" if becomes else "") for label, name in _pairs(rows.head(_SHOWN))]
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return ", ".join(first) + more


def _pairs(rows: pd.DataFrame) -> list[tuple[str, str]]:
    quoted = [repr(label) if label else "missing" for label in rows["label"].astype(str)]
    return list(zip(quoted, rows["perturbation"].astype(str), strict=True))


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def describe(report: pd.DataFrame) -> str:
    """Totals, every label that was not simply taken over, and the genes that are not measured in one line."""
    total = report.groupby("status", sort=True)["n_cells"].agg(["size", "sum"])
    lines = [f"  {status!s}: {_n(row['size'], 'label')}, {_n(row['sum'], 'cell')}" for status, row in total.iterrows()]
    plain = (report["status"] == "mapped") & report["note"].str.fullmatch(r"(not measured: .*)?")
    for label, name, n_cells, status, note in report[~plain].to_numpy(dtype=object):
        why = f"{status}: {note}" if note else status
        lines.append(f"  {label!r} -> {name or 'nothing'} ({_n(n_cells, 'cell')}, {why})")
    outside = report.loc[plain & (report["note"] != ""), "label"]
    if len(outside):
        lines.append(f"  {_n(len(outside), 'label')} with genes that are not measured: {list_some(outside, 20)}")
    return "\n".join(lines)


def _n(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
