"""Genes of a panel in the vocabulary of a model that knows genes by their Ensembl identifiers alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scclamp._aliases import RENAMED
from scclamp._errors import InputError, StorageError, list_some
from scclamp.encoders._genes import map_genes
from scclamp.encoders._pickles import read_dictionary

if TYPE_CHECKING:
    import numpy as np

    from scclamp.encoders._genes import GeneMapping

    type Symbols = str | os.PathLike[str] | Mapping[str, str] | Sequence[str] | pd.Series | np.ndarray

_IDENTIFIER = re.compile(r"(ENS[A-Z]*G\d{11})(\.\d+)?")
_TABLES = {".csv": ",", ".tsv": "\t"}


def bare(name: str) -> str:
    """Return an Ensembl identifier without its version, and any other name as it is.

    Examples
    --------
    >>> bare("ENSG00000102145.15"), bare("GATA1")
    ('ENSG00000102145', 'GATA1')
    """
    match = _IDENTIFIER.fullmatch(name)
    return match[1] if match else name


def map_ensembl(genes: Sequence[str], vocabulary: Mapping[str, int], symbols: Symbols | None = None) -> GeneMapping:
    """Find the genes of a panel in a vocabulary of Ensembl identifiers without version.

    Parameters
    ----------
    genes
        The panel: identifiers with or without version, symbols, or some of each.
    vocabulary
        Token of each identifier.
    symbols
        Identifier by symbol; see :func:`ensembl_ids`.

    Examples
    --------
    >>> map_ensembl(
    ...     ["GATA1", "ENSG00000105610.6"], {"ENSG00000105610": 3, "ENSG00000102145": 7}, {"GATA1": "ENSG00000102145"}
    ... ).tokens
    array([7, 3])
    """
    return map_genes(genes, vocabulary, ensembl_ids(genes, symbols))


def ensembl_ids(genes: Sequence[str], symbols: Symbols | None = None) -> dict[str, str]:
    """Ensembl identifier, without its version, by gene of a panel; genes that have none are left out.

    Parameters
    ----------
    genes
        The panel: identifiers with or without version, symbols, or some of each.
    symbols
        Identifier by symbol: a dictionary, a series, or a file of one: JSON, a pickle, or a `.csv` or `.tsv` with these two
        columns. Symbols are found as they are, in capitals, or by their former or current name. Or a list of the identifiers
        of `genes`, in that order. Names that it lacks and that are identifiers stand for themselves.

    Raises
    ------
    InputError
        When identifiers are not as many as genes, or there are none at all.
    StorageError
        When the file is missing or damaged, or could run code.

    Examples
    --------
    >>> ensembl_ids(["GATA1", "ENSG00000105610.6", "XYZ"], {"GATA1": "ENSG00000102145.15"})
    {'GATA1': 'ENSG00000102145', 'ENSG00000105610.6': 'ENSG00000105610'}
    """
    names = [str(gene) for gene in genes]
    given = {} if symbols is None else _given(names, symbols)
    found: dict[str, str] = {}
    for name in names:
        match = _IDENTIFIER.fullmatch(str(given.get(name, name)))
        if match:
            found[name] = match[1]
    if not found:
        raise InputError(
            f"genes: no Ensembl identifier is known of {list_some(names, 3)}, and this model knows genes by those. Pass "
            '`symbols`, such as adata.var["gene_ids"] or a dictionary from symbols to identifiers.'
        )
    return found


def _given(names: Sequence[str], symbols: Symbols) -> dict[str, str]:
    if isinstance(symbols, pd.Series):
        return _by_symbol(names, symbols.to_dict())
    if isinstance(symbols, str | os.PathLike | Mapping):
        is_table = not isinstance(symbols, Mapping) and Path(symbols).suffix in _TABLES
        return _by_symbol(names, _read_table(Path(symbols)) if is_table else read_dictionary("symbols", symbols))  # type: ignore[arg-type]
    if len(symbols) != len(names):
        raise InputError(
            f"symbols has {len(symbols)} identifiers for {len(names)} genes. Pass one for each, in the order of `genes`, or a "
            "dictionary."
        )
    return dict(zip(names, symbols, strict=True))


def _by_symbol(names: Sequence[str], table: Mapping[Any, Any]) -> dict[str, str]:
    former = {new: old for old, new in RENAMED.items()}
    found: dict[str, str] = {}
    for name in names:
        spellings = (name, name.upper(), RENAMED.get(name), former.get(name))
        entry = next((each for each in spellings if each in table and not pd.isna(table[each])), None)
        if entry is not None:
            found[name] = table[entry]
    return found


def _read_table(path: Path) -> dict[str, str]:
    try:
        table = pd.read_csv(path, sep=_TABLES[path.suffix], dtype=str)
    except (OSError, ValueError) as error:
        raise StorageError(f"symbols={str(path)!r} cannot be read: {error}. Check the path.") from error
    kinds = [table[name].dropna().map(lambda each: bool(_IDENTIFIER.fullmatch(each))).mean() > 0.5 for name in table]
    if sorted(kinds) != [False, True]:
        raise InputError(
            f"symbols={str(path)!r} has the columns {list_some(table.columns)}, not one of symbols and one of Ensembl "
            "identifiers. Keep these two."
        )
    of_ids = kinds.index(True)
    return dict(zip(table.iloc[:, 1 - of_ids], table.iloc[:, of_ids], strict=True))
