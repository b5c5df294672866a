"""Labels of a screen as every other function reads them, and what was recognised, to read."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError, InputWarning
from scclamp._keys import CONTROL, HARMONISED, PERTURBATION, SEPARATOR

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from scclamp.cli._options import Parser

_SHOWN = 5
"""Labels of the control that are named."""
WORDS = {
    "perturbation_key": "--perturbation-key",
    "key": "--perturbation-key",
    "control": "--control",
    "aliases": "--alias",
    "ambiguous": "--ambiguous",
}


def add_labels(parser: Parser, title: str = "labels") -> argparse._ArgumentGroup:
    """Add how the labels of a screen are read."""
    group = parser.add_argument_group(f"{title} (recognised unless they are unusual)")
    group.add_argument("--perturbation-key", metavar="COLUMN", help="column of obs that says what was perturbed")
    group.add_argument(
        "--control", action="append", metavar="LABEL", help="label of the control cells; give it again for another one"
    )
    group.add_argument(
        "--alias",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="another name of a gene, or the meaning of a label, such as p53=TP53 or empty=control; OLD= leaves its cells out",
    )
    group.add_argument(
        "--ambiguous",
        choices=("error", "drop"),
        default="error",
        help="refuse labels that cannot be read, or drop their cells",
    )
    return group


def harmonise(data: Any, options: argparse.Namespace, mod: str | None) -> tuple[str, dict[str, Any]]:
    """Bring the labels to one form, unless that was done before; return an outline to read, and a record of it."""
    from scclamp import pp
    from scclamp._columns import unwrap
    from scclamp.pp._label_report import outline

    table = unwrap(data, mod)
    asked = options.perturbation_key or options.control or options.alias
    column = PERTURBATION
    if table.harmonised is not None and not asked:
        column = table.harmonised
    else:
        before = PERTURBATION in table.adata.obs and table.harmonised is None
        pp.perturbations(
            data,
            key=options.perturbation_key,
            control=_one_or_all(options.control),
            aliases=_aliases(options.alias),
            ambiguous=options.ambiguous,
            mod=mod,
            show=False,
        )
        if before and json.loads(table.adata.uns[HARMONISED]["params"])["key"] != PERTURBATION:
            warnings.warn(
                f"obs[{PERTURBATION!r}] is replaced in the output by the labels as they were read.",
                InputWarning,
                stacklevel=2,
            )
    record = table.adata.uns[HARMONISED]
    report, source = record["report"], json.loads(str(record["params"]))["key"]
    left_out = report.loc[report["perturbation"] == ""]
    lines = [outline(report, column, source).rstrip(), _controls(report)]
    if options.verbose:
        lines += _merged(report)
    return "\n".join(lines), {
        "column": column,
        "read_from": source,
        "control": _by_label(report[report["perturbation"] == CONTROL], "n_cells"),
        "renamed": _by_label(report[report["status"] == "renamed"], "perturbation"),
        "left_out": _by_label(left_out, "n_cells"),
    }


def _controls(report: Any) -> str:
    """Labels of the control and their cells: a wrong one makes every shift wrong."""
    rows = report[report["perturbation"] == CONTROL]
    named = [f"{label!r} ({_cells(n)})" for label, n in zip(rows["label"].astype(str), rows["n_cells"], strict=True)]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return f"  control: {', '.join(named[:_SHOWN]) or 'none'}{more}"


def _cells(n: int) -> str:
    return "1 cell" if n == 1 else f"{n} cells"


def _merged(report: Any) -> list[str]:
    """Perturbations that several labels stand for, such as guides of one gene, and the combinations."""
    lines = []
    for name, rows in report[report["perturbation"] != ""].groupby("perturbation", sort=True):
        if len(rows) > 1 and name != CONTROL:
            lines.append(
                f"  {name} ({_cells(rows['n_cells'].sum())}): {', '.join(map(repr, rows['label'].astype(str)))}"
            )
    if lines:
        lines.insert(0, f"Labels that mean the same ({len(lines)} perturbations)")
    doubles = sorted({name for name in report["perturbation"].astype(str) if SEPARATOR in name})
    return lines + ([f"Combinations ({len(doubles)}): {', '.join(doubles)}"] if doubles else [])


def _by_label(rows: Any, column: str) -> dict[str, Any]:
    return dict(zip(rows["label"].astype(str), rows[column].tolist(), strict=True))


def _one_or_all(labels: Sequence[str] | None) -> str | list[str] | None:
    return labels[0] if labels and len(labels) == 1 else list(labels) if labels else None


def _aliases(pairs: Sequence[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for pair in pairs:
        old, equals, new = pair.rpartition("=")
        if not equals or not old:
            raise InputError(f"--alias {pair} is no renaming. Write OLD=NEW, or OLD= to leave the cells of OLD out.")
        found[old] = new or None
    return found
