"""Reads gene sets in the GMT layout, with the habits of Enrichr, MSigDB and Reactome."""

from __future__ import annotations

import gzip
import re
import zlib
from typing import TYPE_CHECKING

import pandas as pd

from scclamp._errors import InputError, StorageError, list_some

if TYPE_CHECKING:
    from pathlib import Path

_GZIP = b"\x1f\x8b"
_REACTOME = re.compile(r"(?P<name>.+?)\s+(?P<identifier>R-[A-Z]{3}-\d+)")
_ASSAYED = re.compile(r"(?<![A-Za-z0-9])(human|mouse|rat|hg19|mm9)(?![A-Za-z0-9])", re.IGNORECASE)
_ORGANISMS = {"hg19": "human", "mm9": "mouse"}


def read_text(path: Path) -> str:
    """Text of a file, plain or gzip whatever it is called."""
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if content.startswith(_GZIP) else content).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise StorageError(f"{path} cannot be read as text ({error}). Get it anew.") from error


def read_gmt(path: Path, library: str) -> pd.DataFrame:
    """Read a library, one row for each gene of each set.

    Parameters
    ----------
    path
        GMT file, plain or gzip: name, description, and genes on each line, separated by tabs.
    library
        Which library it is, since their names of sets differ in form.

    Returns
    -------
    Table with `source` (name of the set), `target` (gene), and what the names of that library say besides.
    """
    rows: list[tuple[str, str, str]] = []
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        name, description, genes = _parse(line, f"{path}, line {number}")
        if (name, description) in seen:
            first = seen[name, description]
            raise InputError(
                f"{path} has the set {name!r} in line {number} and in line {first}. Keep one of them, if this is a GMT file."
            )
        seen[name, description] = number
        rows += [(name, description, gene) for gene in genes]
    if not rows:
        raise InputError(f"{path} has no gene sets. Give a GMT file: name, description and genes, separated by tabs.")
    table = pd.DataFrame(rows, columns=["source", "description", "target"])
    return _READERS.get(library, _plain)(table)


def _parse(line: str, where: str) -> tuple[str, str, list[str]]:
    name, *rest = [field.strip() for field in line.split("\t")]
    # Enrichr may give a weight with a gene, as in "GATA1,1.0".
    genes = list(dict.fromkeys(field.split(",")[0].strip() for field in rest[1:] if field))
    if not name or not genes:
        msg = f"{where} is no gene set. Its form is name, description (may be empty) and genes, separated by tabs."
        raise InputError(msg)
    return name, rest[0], genes


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    return table[["source", "target"]]


def _hallmark(table: pd.DataFrame) -> pd.DataFrame:
    # One copy says "Hallmark Hypoxia", another "Hypoxia".
    return _plain(table.assign(source=table["source"].str.removeprefix("Hallmark ")))


def _reactome(table: pd.DataFrame) -> pd.DataFrame:
    """Enrichr puts the stable identifier behind the name, Reactome itself into the description."""
    parts = {name: _REACTOME.fullmatch(name) for name in table["source"].unique()}
    names = {name: match["name"] if match else name for name, match in parts.items()}
    inside = {name: match["identifier"] if match else "" for name, match in parts.items()}
    identifier = table["source"].map(inside).where(lambda found: found != "", table["description"])
    named = pd.DataFrame({"source": table["source"].map(names), "target": table["target"], "identifier": identifier})
    pairs = named[["source", "identifier"]].drop_duplicates()
    if shared := pairs.loc[pairs["source"].duplicated(), "source"].tolist():
        raise InputError(f"Several pathways are called {list_some(shared)}. Give each a name of its own.")
    return named


def _chip(table: pd.DataFrame) -> pd.DataFrame:
    """Terms begin with the factor, `GATA1 22025678 ChIP-Seq K562 Human` or `GATA1_K562_HG19`."""
    terms = table["source"].unique()
    factor = {term: re.split(r"[\s_]", term, maxsplit=1)[0] for term in terms}
    organism = {term: _organism(term) for term in terms}
    return _plain(table).assign(regulator=table["source"].map(factor), organism=table["source"].map(organism))


def _organism(term: str) -> str:
    found = _ASSAYED.search(term.replace("_", " "))
    return _ORGANISMS.get(found[0].lower(), found[0].lower()) if found else ""


_READERS = {
    "ChEA_2022": _chip,
    "ENCODE_TF_ChIP-seq_2015": _chip,
    "MSigDB_Hallmark_2020": _hallmark,
    "Reactome_2022": _reactome,
}
