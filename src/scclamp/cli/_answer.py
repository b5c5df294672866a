"""How a command gives its answer: to the file that was asked for, and to the screen, as JSON or to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scclamp.cli._output import say, say_json, to_json
from scclamp.cli._paths import TABLES, write_table, write_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    import pandas as pd


def finish(
    options: argparse.Namespace, record: Mapping[str, Any], *lines: str, wrote: Sequence[str] | None = None
) -> None:
    """Say what came out.

    Parameters
    ----------
    options
        Those of the command.
    record
        The same for programs, without the command and its warnings.
    lines
        What came out, to read.
    wrote
        Files that were written; the output by default.
    """
    if options.json:
        say_json(_whole(options, record))
        return
    if wrote is None:
        wrote = [] if options.output is None else [options.output]
    say("\n".join([*lines, *(f"Wrote {path}" for path in wrote)]))


def write_output(options: argparse.Namespace, data: Any, table: pd.DataFrame, record: Mapping[str, Any]) -> None:
    """Write what the suffix of the output asks for: the table, the record, or the data that hold both.

    Parameters
    ----------
    options
        Those of the command; without an output nothing is written.
    data
        AnnData or MuData.
    table
        What a .csv or .tsv gets.
    record
        What a .json gets, beside the command and its warnings.
    """
    if options.output is None:
        return
    suffix = Path(options.output).suffix
    if suffix in TABLES:
        write_table(table, options.output)
    elif suffix == ".json":
        write_text(to_json(_whole(options, record)), options.output)
    else:
        from scclamp._files import write

        write(data, options.output)


def _whole(options: argparse.Namespace, record: Mapping[str, Any]) -> dict[str, Any]:
    return {"command": options.name, **record, "warnings": options.heard}
