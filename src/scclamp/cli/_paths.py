"""What a command may write to, looked at before the work begins, and how it reads and writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError, StorageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    import pandas as pd

ADATA, MUDATA = (".h5ad", ".zarr"), (".h5mu", ".zarr")
DATA = (".h5ad", ".h5mu", ".zarr")
TABLES = {".csv": ",", ".tsv": "\t"}


def require_output(path: str, suffixes: Iterable[str], *, force: bool, inputs: Sequence[str] = ()) -> None:
    """Refuse an output that could not be written, or that would replace what it should not.

    Parameters
    ----------
    path
        The output.
    suffixes
        Those that the command writes.
    force
        Whether an existing output may be replaced; an input never is.
    inputs
        What the command reads.
    """
    output, suffixes = Path(path), tuple(suffixes)
    require_suffix(path, suffixes)
    if not output.parent.is_dir():
        raise StorageError(f"There is no folder {str(output.parent)!r} to write {output.name} to. Create it first.")
    if not os.access(output.parent, os.W_OK):
        raise StorageError(f"You may not write to the folder {str(output.parent)!r}. Choose another one.")
    if not output.exists():
        return
    for each in map(Path, inputs):
        if each.exists() and output.samefile(each):
            raise InputError(f"{path!r} is the input, which is never replaced. Choose another name for the output.")
    if not force:
        raise StorageError(f"{path!r} exists already. Choose another name, or pass --force to replace it.")


def require_asked(options: argparse.Namespace, suffixes: Iterable[str], *inputs: str | None) -> None:
    """Refuse the output of a command, where one is asked for, as `require_output` does; inputs that are None were not given."""
    if options.output is not None:
        given = [path for path in inputs if path is not None]
        require_output(options.output, suffixes, force=options.force, inputs=given)


def require_holds(path: str | None, data: Any) -> None:
    """Refuse an output for data whose suffix is not one of files that can hold these."""
    if path is not None and Path(path).suffix in DATA:
        require_suffix(path, MUDATA if hasattr(data, "mod") else ADATA)


def require_suffix(path: str, suffixes: Iterable[str]) -> None:
    """Refuse a name whose suffix says nothing that can be written."""
    suffix = Path(path).suffix
    if suffix not in (known := tuple(suffixes)):
        what = f"ends in {suffix!r}" if suffix else "has no suffix"
        names = known[0] if len(known) == 1 else f"{', '.join(known[:-1])} or {known[-1]}"
        raise InputError(f"{path!r} {what}, which does not say what to write. End it in {names}.")


def write_table(table: pd.DataFrame, path: str) -> None:
    """Write a table as one step, separated as the suffix says."""
    from scclamp._atomic import atomic_path

    with atomic_path(path) as temporary:
        table.to_csv(temporary, sep=TABLES[Path(path).suffix], index=False)


def write_text(text: str, path: str) -> None:
    """Write a text as one step."""
    from scclamp._atomic import atomic_path

    with atomic_path(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")


def read_lines(path: str) -> list[str]:
    """Lines of a text file without empty ones and comments; `-` is standard input."""
    import sys

    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise StorageError(f"{path!r} cannot be read ({error.strerror}). Check the name and the folder.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path!r} is no text. Save it as plain text, one condition on each line.") from error
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]
