"""Gene sets in whatever form they are given, restricted to the genes of the panel."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._errors import InputError, list_some
from scclamp.datasets import gene_sets as load_gene_sets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNNAMED = "gene_sets"
"""Library of sets that came without the name of one."""
_DISEASE = (
    "infection",
    "infectious",
    "disease",
    "tuberculosis",
    "mtb",
    "mycobacterium",
    "hiv",
    "influenza",
    "sars",
    "coronavirus",
    "covid",
    "hepatitis",
    "leishmania",
    "malaria",
    "plasmodium",
    "carcinoma",
    "neoplasm",
    "leukem",
    "tumor",
    "tumour",
    "cancer",
    "syndrome",
    "disorder",
)
_CATCH_ALL = (
    "Generic Transcription Pathway",
    "Developmental Biology",
    "Signal Transduction",
    "Metabolism",
    "Metabolism of proteins",
    "Metabolism of RNA",
    "Gene expression (Transcription)",
    "Gene expression",
    "RNA Polymerase II Transcription",
    "Cellular responses to stimuli",
    "Cellular responses to stress",
    "Cellular responses to external stimuli",
    "Hemostasis",
    "Programmed Cell Death",
    "Cell Cycle",
    "Cell Cycle, Mitotic",
    "Mitotic Cell Cycle",
    "Vesicle-mediated transport",
    "Membrane Trafficking",
    "Post-translational protein modification",
)


_FILES = (".gmt", ".gmt.gz", ".csv", ".tsv", ".txt")


@dataclass(frozen=True, eq=False)
class Library:
    """Sets of one source that the panel can test.

    Parameters
    ----------
    name
        What the source is called.
    terms
        Names of its sets, or the factors of a network.
    members
        Whether a gene of the panel belongs to a set (terms, genes).
    signs
        Of a network, what a factor does to a gene: 1, -1, or 0 where nobody knows (terms, genes).
    digest
        Of the file that it was read from, if any.
    """

    name: str
    terms: tuple[str, ...]
    members: np.ndarray
    signs: np.ndarray | None = None
    digest: str = ""

    def net(self) -> pd.DataFrame:
        """Edges as decoupler wants them, by positions of the genes in the panel."""
        term, gene = self.members.nonzero()
        weight = np.ones(len(term)) if self.signs is None else self.signs[term, gene].astype(float)
        net = pd.DataFrame({"source": np.array(self.terms, object)[term], "target": gene.astype(str), "weight": weight})
        return net[net["weight"] != 0]


def read_libraries(gene_sets: Any, genes: Sequence[str], min_size: int) -> list[Library]:
    """Read all that was given, each under the name of its library."""
    tables: dict[str, pd.DataFrame] = {}
    for name, table in _named(gene_sets):
        if name in tables:
            msg = f"gene_sets holds the library {name!r} twice. Give several as a dict from their names to their sets."
            raise InputError(msg)
        tables[name] = table
    return [_restrict(name, table, genes, min_size) for name, table in tables.items()]


def is_denied(library: str, term: str) -> bool:
    """Whether a set is left out: diseases and catch-alls of Hallmark and Reactome, as the paper does.

    Examples
    --------
    >>> is_denied("Reactome_2022", "Metabolism"), is_denied("Reactome_2022", "Heme Metabolism")
    (True, False)
    """
    if not any(each in library.casefold() for each in ("hallmark", "reactome")):
        return False
    return term in _CATCH_ALL or any(word in term.casefold() for word in _DISEASE)


def _named(gene_sets: Any) -> Iterable[tuple[str, pd.DataFrame]]:
    if isinstance(gene_sets, str | pd.DataFrame):
        return [_one(gene_sets)]
    if isinstance(gene_sets, Mapping):
        if not gene_sets:
            raise InputError("gene_sets is empty. Give at least one set, or the name of a library.")
        if any(isinstance(value, pd.DataFrame | Mapping) for value in gene_sets.values()):
            return [(str(name), _one(value)[1]) for name, value in gene_sets.items()]
        return [_one(gene_sets)]
    if isinstance(gene_sets, Collection) and len(gene_sets):
        return [_one(each) for each in gene_sets]
    raise InputError(f"gene_sets={gene_sets!r} holds no sets. {_FORMS}")


def _one(given: Any) -> tuple[str, pd.DataFrame]:
    if isinstance(given, str):
        if given.endswith(_FILES):
            raise InputError(_explain_file(given))
        return given, load_gene_sets(given)  # type: ignore[arg-type]  # any other name is refused with a hint
    if isinstance(given, Mapping):
        return UNNAMED, _table_of(given)
    if isinstance(given, pd.DataFrame):
        if missing := [name for name in ("source", "target") if name not in given]:
            raise InputError(f"gene_sets holds a table without the column {missing[0]!r}. {_FORMS}")
        return str(given.attrs.get("name", UNNAMED)), given
    raise InputError(f"gene_sets holds a {type(given).__name__}. {_FORMS}")


def _explain_file(path: str) -> str:
    """How to give a file instead of the name of a library."""
    return (
        f"gene_sets={path!r} is the name of a file, not of a library. Read a copy of a known library with "
        f"scclamp.datasets.gene_sets(name, path={path!r}), and give sets of your own as a dict from their names to their genes, "
        "or a network as a table with the columns source, target and weight."
    )


def _table_of(sets: Mapping[str, Collection[str]]) -> pd.DataFrame:
    for term, genes in sets.items():
        if isinstance(genes, str) or not isinstance(genes, Collection):
            raise InputError(f"gene_sets[{term!r}]={genes!r} must be a list of genes. {_FORMS}")
    rows = [(str(term), str(gene)) for term, genes in sets.items() for gene in genes]
    return pd.DataFrame(rows, columns=["source", "target"])


def _restrict(name: str, table: pd.DataFrame, genes: Sequence[str], min_size: int) -> Library:
    """Keep the sets with enough genes in the panel; of a network every factor with a measured target."""
    network = "weight" in table
    gene = pd.Index(genes).get_indexer(pd.Index(table["target"].astype(str)))
    terms, term = np.unique(table["source"].astype(str).to_numpy(object)[gene >= 0], return_inverse=True)
    at = term, gene[gene >= 0]
    members = np.zeros((len(terms), len(genes)), bool)
    members[at] = True
    signs = np.zeros(members.shape, np.int64) if network else None
    if signs is not None:
        # What is said to activate and to repress has no known sign, nor has an edge without a weight.
        np.add.at(signs, at, np.sign(np.nan_to_num(table["weight"].to_numpy(float)[gene >= 0])).astype(np.int64))
        signs = np.sign(signs)
    least = 1 if network else min_size
    keep = np.array([not is_denied(name, each) for each in terms], bool) & (members.sum(1) >= least)
    if not keep.any():
        raise InputError(_explain_none(name, table, genes, least, members.sum(1)))
    digest = str(table.attrs.get("digest", ""))
    return Library(name, tuple(map(str, terms[keep])), members[keep], None if signs is None else signs[keep], digest)


def _explain_none(name: str, table: pd.DataFrame, genes: Sequence[str], least: int, sizes: np.ndarray) -> str:
    """Why no set is left: other names of genes, or a panel that measures too few of them."""
    msg = f"gene_sets: no set of {name} has {least} genes or more among the {len(genes)} of the panel"
    own = table["target"].astype(str).unique()
    shared = len(set(own).intersection(genes))
    if not shared:
        return (
            f"{msg}, such as {list_some(genes[:3])}; its own are such as {list_some(own[:3])}, and none is in both. Use sets "
            "with the same names of genes, or a panel that measures them."
        )
    if int(sizes.max()) >= least:
        return f"{msg} that is not left out as a disease or a catch-all. Give the sets under another name than {name!r} to test all."
    return (
        f"{msg}: the panel measures {shared} of its {len(own)} genes, and {sizes.max()} of one set at most. Use "
        f"min_size={sizes.max()}, or a larger panel."
    )


_FORMS = (
    "Give the name of a library such as 'ChEA_2022', a table of datasets.gene_sets, a dict from names of sets to their genes, "
    "or several of these in a list, or in a dict from their names."
)
