"""What `pl.enrichment` draws: sets by regulators, and the best set of each regulator, out of the table of `tl.enrich`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._arguments import positions
from scclamp._columns import unwrap
from scclamp._errors import InputError, list_some
from scclamp._keys import Keys

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

LEVEL = 0.05
"""Adjusted p value below which an overlap counts."""
MOST_REGULATORS = 30
_LONGEST = 42
_SMALLEST = 1e-300
_COLUMNS = ("regulator", "library", "term", "overlap", "set_size", "fold", "p", "p_adjusted")


@dataclass(frozen=True, eq=False)
class Block:
    """Sets of one library by regulators.

    Parameters
    ----------
    library
        Its name.
    terms
        Names of its sets; of a network one row, the known targets of each regulator.
    table
        Rows of `tl.enrich` in the order of the cells (terms x regulators); missing where nothing was tested.
    """

    library: str
    terms: tuple[str, ...]
    table: pd.DataFrame

    def cells(self, column: str) -> np.ndarray:
        """Values of a column (terms, regulators)."""
        return self.table[column].to_numpy(float).reshape(len(self.terms), -1)


@dataclass(frozen=True, eq=False)
class Hits:
    """All that is drawn.

    Parameters
    ----------
    regulators
        Columns of every block.
    blocks
        One for each library.
    best
        The set with the smallest p of each regulator in each library.
    note
        What was left out.
    """

    regulators: tuple[str, ...]
    blocks: tuple[Block, ...]
    best: pd.DataFrame
    note: str


def read_table(adata: Any, mod: str | None, key: str, enrichment: str | None) -> pd.DataFrame:
    """Rows of `tl.enrich`, stored or given."""
    if not isinstance(adata, pd.DataFrame):
        stored, name = unwrap(adata, mod).adata.uns, enrichment or Keys(key).enrichment
        if name not in stored:
            msg = f"adata has no uns[{name!r}]. Run scclamp.tl.enrich(adata, gene_sets) first, or give the key_added it had."
            raise InputError(msg)
        adata = stored[name]
    if not isinstance(adata, pd.DataFrame) or not set(_COLUMNS) <= set(adata.columns):
        raise InputError(f"adata holds no table of tl.enrich with the columns {list_some(_COLUMNS, len(_COLUMNS))}.")
    if adata.empty:
        raise InputError("adata holds a table of tl.enrich without a row. Run scclamp.tl.enrich with other gene sets.")
    table = adata.astype(dict.fromkeys(("regulator", "library", "term"), str))
    if "n_signs" in table:
        # A network asks each regulator for its own targets: one question, one row.
        own = table["n_signs"].notna()
        table.loc[own, "term"] = "own known targets"
    if table.duplicated(["regulator", "library", "term"]).any():
        raise InputError(
            "adata holds a table with rows of a regulator, library and set twice. Draw one call of tl.enrich at a time."
        )
    return table


def select(
    table: pd.DataFrame, regulators: str | Sequence[str] | None, libraries: str | Sequence[str] | None, n_terms: int
) -> Hits:
    """Choose regulators, libraries and sets."""
    there = list(dict.fromkeys(table["library"]))
    libraries = [there[i] for i in positions("libraries", libraries, there)]
    table = table[table["library"].isin(libraries)]
    everyone = list(dict.fromkeys(table["regulator"]))
    if regulators is None:
        smallest = table.groupby("regulator", sort=False)["p_adjusted"].min().sort_values(kind="stable")
        names = [str(name) for name in smallest.index[:MOST_REGULATORS]]
    else:
        names = [everyone[i] for i in positions("regulators", regulators, everyone)]
    table = table[table["regulator"].isin(names)]
    libraries = [library for library in libraries if (table["library"] == library).any()]
    terms = {library: _strongest(table[table["library"] == library], n_terms) for library in libraries}
    names = names if regulators is not None else _diagonal(table, names, libraries, terms)
    blocks = []
    for library, rows in terms.items():
        wanted = pd.MultiIndex.from_product([rows, names], names=["term", "regulator"])
        own = table[table["library"] == library].set_index(["term", "regulator"])
        blocks.append(Block(library, tuple(rows), own.reindex(wanted)))
    order = {name: i for i, name in enumerate(names)}
    best = table.sort_values("p", kind="stable").groupby(["regulator", "library"], sort=False).head(1)
    best = best.iloc[np.lexsort((best["library"].map(libraries.index), best["regulator"].map(order)))]
    more = len(everyone) - len(names)
    note = (
        f"The {len(names)} regulators with the smallest p values; {more} more were tested."
        if more and regulators is None
        else ""
    )
    return Hits(tuple(names), tuple(blocks), best.reset_index(drop=True), note)


def score(p_adjusted: Any) -> np.ndarray:
    """Minus the decimal logarithm of adjusted p values."""
    return -np.log10(np.maximum(np.asarray(p_adjusted, float), _SMALLEST)) + 0.0


def short(term: str) -> str:
    """Name of a set as it is written."""
    text = term.replace("_", " ")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"


def expected_cells(expected: Mapping[str, str | Collection[str]], hits: Hits) -> list[tuple[int, int, int]]:
    """Block, row and column of each pair of a regulator and a set that is expected."""
    found = []
    for regulator, terms in expected.items():
        if regulator not in hits.regulators:
            raise InputError(
                f"expected names {regulator!r}, which is not drawn. There are {list_some(hits.regulators)}."
            )
        for term in [terms] if isinstance(terms, str) else terms:
            at = [(b, block.terms.index(term)) for b, block in enumerate(hits.blocks) if term in block.terms]
            if not at:
                drawn = [each for block in hits.blocks for each in block.terms]
                raise InputError(
                    f"expected[{regulator!r}] names {term!r}, which is not drawn. There are {list_some(drawn)}."
                )
            found += [(b, row, hits.regulators.index(regulator)) for b, row in at]
    return found


def _strongest(table: pd.DataFrame, n_terms: int) -> list[str]:
    return list(table.groupby("term", sort=False)["p"].min().sort_values(kind="stable").index[:n_terms])


def _diagonal(
    table: pd.DataFrame, names: Sequence[str], libraries: Sequence[str], terms: Mapping[str, Sequence[str]]
) -> list[str]:
    """Order regulators by the row of their best set in the first library, so that hits run downwards."""
    first = table[(table["library"] == libraries[0]) & table["term"].isin(terms[libraries[0]])]
    best = first[first["p_adjusted"] < LEVEL].sort_values("p", kind="stable").drop_duplicates("regulator")
    row = {term: i for i, term in enumerate(terms[libraries[0]])}
    place = {name: (row[term], p) for name, term, p in zip(best["regulator"], best["term"], best["p"], strict=True)}
    return sorted(names, key=lambda name: place.get(name, (len(row), 0.0)))
