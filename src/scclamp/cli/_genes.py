"""Names of genes: a screen that is named by identifiers is perturbed by symbols, which stand in a column of it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError, InputWarning, did_you_mean, list_some

if TYPE_CHECKING:
    import argparse

    from anndata import AnnData

_IDENTIFIERS = "gene_id"


def add_gene_names(group: argparse._ArgumentGroup) -> None:
    """Add where the symbols are."""
    group.add_argument(
        "--gene-names", metavar="COLUMN", help="column of var with the symbols, where genes are named by identifiers"
    )


def name_genes(data: Any, column: str | None, mod: str | None) -> None:
    """Name genes by a column of `var`, where one is given, and number those that share a name."""
    from scclamp._columns import unwrap

    adata = unwrap(data, mod).adata
    if column is not None:
        _rename(adata, column)
    if len(twice := adata.var_names[adata.var_names.duplicated()].unique()):
        adata.var_names_make_unique()
        text = f"{len(twice)} names stand for several genes, which are numbered: {list_some(list(twice))}."
        warnings.warn(text, InputWarning, stacklevel=2)


def _rename(adata: AnnData, column: str) -> None:
    """Genes without a symbol keep their name; all names that there were are kept in a column."""
    from scclamp._columns import read_column

    if column not in adata.var:
        known = list(map(str, adata.var.columns))
        hint = did_you_mean(column, known)
        raise InputError(
            f"--gene-names {column} is no column of var.{hint} There are {list_some(known, 20) or 'none'}."
        )
    symbols = read_column(adata.var, column).astype(object)
    names = symbols.where(symbols.notna() & (symbols != ""), adata.var_names.to_series()).astype(str)
    if _IDENTIFIERS not in adata.var:
        adata.var[_IDENTIFIERS] = adata.var_names.to_numpy()
    adata.var_names = list(names)
