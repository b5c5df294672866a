"""Libraries of gene sets as a command line names them: known ones, copies of those, and files of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError, StorageError
from scclamp.cli._paths import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

LIBRARIES = (
    "ChEA_2022",
    "ENCODE_TF_ChIP-seq_2015",
    "MSigDB_Hallmark_2020",
    "Reactome_2022",
    "lineage_signatures",
    "trrust",
    "collectri",
)
"""Those of `datasets.gene_sets`."""
_SUFFIXES = (".gmt", ".gmt.gz", *TABLES)


def read_libraries(texts: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Tables by the names of their libraries.

    Parameters
    ----------
    texts
        Each ``NAME``, ``NAME=FILE``, or a ``FILE``, which is named by itself.
    """
    from scclamp.datasets import gene_sets

    found: dict[str, pd.DataFrame] = {}
    for text in texts:
        name, equals, path = _split(text)
        if name in found:
            raise InputError(f"--library {text}: {name!r} is named twice. Give the second one another name.")
        if equals and not (name and path):
            raise InputError(f"--library {text}: write NAME, or NAME=FILE.")
        if equals and name not in LIBRARIES:
            found[name] = _own(name, Path(path))
        else:
            chosen: Any = name
            found[name] = gene_sets(chosen, path=path or None)
    return found


def _split(text: str) -> tuple[str, str, str]:
    """Name, whether a file is given, and the file."""
    path = Path(text)
    if path.name.endswith(_SUFFIXES) and (path.is_file() or "=" not in text):
        return path.name.partition(".")[0], "=", text
    return text.partition("=")


def _own(name: str, path: Path) -> pd.DataFrame:
    """A library that only its owner knows."""
    import pandas as pd

    from scclamp.datasets._download import digest_of
    from scclamp.datasets._gmt import read_gmt

    if not path.is_file():
        raise StorageError(f"--library {name}={path} is no file. Check the name and the folder.")
    if path.name.endswith((".gmt", ".gmt.gz")):
        table = read_gmt(path, name)
    elif path.suffix in TABLES:
        table = pd.read_csv(path, sep=TABLES[path.suffix])
        if missing := [column for column in ("source", "target") if column not in table]:
            raise InputError(
                f"--library {name}={path}: the table has no column {missing[0]!r}. Name its columns source and target in the first "
                f"line (and weight for signs), or, if it is a copy of a published library, call it by that one's name, as in "
                f"trrust={path}."
            )
    else:
        raise InputError(f"--library {name}={path}: end the file in .gmt, .csv or .tsv, which says how to read it.")
    table.attrs = {"name": name, "digest": digest_of(path)}
    return table
