"""A panel in a vocabulary of Ensembl identifiers, by its own names or by a local table from symbols to identifiers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scclamp._errors import InputError, StorageError, list_some
from scclamp.encoders._genes import GeneMapping, map_genes, panel_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    type Table = Mapping[str, str] | pd.Series | str | os.PathLike[str]

_IDENTIFIER = re.compile(r"^(ENS[A-Z]*G\d{11})(?:\.\d+)?$")
_TABS = {".tsv", ".tab", ".txt"}
_REMEDY = (
    'Pass `symbols`, such as adata.var["gene_ids"] (other usual columns are "ensembl_id", "ensembl", "gene_id", "feature_id"), '
    "a dict from symbols to identifiers, or a csv or tsv file with these two columns."
)


def bare(name: object) -> str:
    """Return a name, which loses its version where it is an Ensembl identifier.

    Examples
    --------
    >>> bare("ENSG00000102145.15"), bare("AC012345.3")
    ('ENSG00000102145', 'AC012345.3')
    """
    return _IDENTIFIER.sub(r"\1", str(name).strip())


def is_ensembl(name: object) -> bool:
    """Whether a name is the Ensembl identifier of a gene, with or without its version."""
    return bool(_IDENTIFIER.match(str(name).strip()))


def map_ensembl(genes: Sequence[str], vocabulary: Mapping[str, int], symbols: Table | None = None) -> GeneMapping:
    """Find the genes of a panel in a vocabulary of Ensembl identifiers.

    A name that is an identifier stands for itself, any other for what `symbols` says. Where that are several identifiers, the
    one that the vocabulary holds is meant; if it holds several, the gene is ambiguous and left out.

    Parameters
    ----------
    genes
        The panel: identifiers, with or without version, or symbols.
    vocabulary
        Token of each identifier, without version.
    symbols
        Identifier by symbol: a mapping, a series, or a csv or tsv file with two columns, in either order.

    Returns
    -------
    The mapping.

    Raises
    ------
    InputError
        When names are symbols and no table tells their identifiers, or too few genes are known.
    StorageError
        When the file of `symbols` is missing or damaged.

    Examples
    --------
    >>> vocabulary = {"ENSG00000102145": 3, "ENSG00000105610": 8}
    >>> map_ensembl(["GATA1", "ENSG00000105610.6"], vocabulary, {"GATA1": "ENSG00000102145"}).tokens
    array([3, 8])
    """
    panel = list(panel_of(genes))
    known = {gene: [name for name in found if name in vocabulary] for gene, found in _found(panel, symbols).items()}
    if not any(known.values()):
        raise InputError(
            f"genes: none of {list_some(panel, 3)} is among the {len(vocabulary)} genes of the model, such as "
            f"{list_some(list(vocabulary)[:3])}. Check the species, and that `symbols` is the table of this panel."
        )
    mapping = map_genes(panel, vocabulary, {gene: found[0] for gene, found in known.items() if len(found) == 1})
    unclear = tuple(gene for gene in mapping.missing if len(known[gene]) > 1)
    missing = tuple(gene for gene in mapping.missing if gene not in unclear)
    return replace(mapping, missing=missing, ambiguous=(*mapping.ambiguous, *unclear))


def _found(panel: list[str], symbols: Table | None) -> dict[str, list[str]]:
    """Identifiers that each gene may have."""
    others = [gene for gene in panel if not is_ensembl(gene)]
    if symbols is None:
        if others and len(others) == len(panel):
            raise InputError(
                f"genes holds {list_some(others, 3)}, no Ensembl identifiers, by which this model knows genes. {_REMEDY}"
            )
        table: dict[str, list[str]] = {}
    else:
        table = _by_symbol(symbols)
        if others and not any(gene in table for gene in others):
            raise InputError(
                f"symbols holds none of the genes {list_some(others, 3)}, but symbols like {list_some(list(table)[:3])}. Pass "
                "the table by whose symbols the panel is named."
            )
    return {gene: [bare(gene)] if is_ensembl(gene) else table.get(gene, []) for gene in panel}


def _by_symbol(symbols: Table) -> dict[str, list[str]]:
    """Identifiers by symbol; of two columns that with more identifiers is theirs."""
    if isinstance(symbols, str | os.PathLike):
        pairs = _read(Path(symbols))
    elif isinstance(symbols, Mapping | pd.Series):
        pairs = list(symbols.items())
    else:
        raise InputError(f"symbols is a {type(symbols).__name__}, neither a mapping, a series nor a file. {_REMEDY}")
    first, second = (sum(is_ensembl(pair[side]) for pair in pairs) for side in (0, 1))
    if first > second:
        pairs = [(value, key) for key, value in pairs]
    found: dict[str, list[str]] = {}
    for symbol, identifier in pairs:
        if is_ensembl(identifier) and not pd.isna(symbol):
            entries = found.setdefault(str(symbol).strip(), [])
            if (name := bare(identifier)) not in entries:
                entries.append(name)
    if not found:
        raise InputError(f"symbols holds no Ensembl identifiers, but pairs like {list_some(pairs[:2])}. {_REMEDY}")
    return found


def _read(file: Path) -> list[tuple[Any, Any]]:
    try:
        table = pd.read_csv(file, sep="\t" if _TABS & set(file.suffixes) else ",", header=None, dtype=str)
    except (OSError, ValueError) as error:
        raise StorageError(f"symbols={str(file)!r} cannot be read: {error}. {_REMEDY}") from error
    if table.shape[1] != 2:
        raise InputError(
            f"symbols={str(file)!r} has {table.shape[1]} columns, not a symbol and an identifier. {_REMEDY}"
        )
    return list(zip(table[0], table[1], strict=True))
