"""A fit that was made on one file, brought to the cells of another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError, list_some
from scclamp.cli._genes import name_genes
from scclamp.cli._labels import harmonise

if TYPE_CHECKING:
    import argparse

    from anndata import AnnData


def with_fit(fitted: Any, screen: Any, options: argparse.Namespace) -> AnnData:
    """Cells of `screen` with the genes and the fit of `fitted`, their labels brought to one form."""
    from scclamp._columns import unwrap
    from scclamp._storage import decode, encode

    result = decode(unwrap(fitted, _modality(fitted, options)).adata, options.key)
    mod = _modality(screen, options)
    name_genes(screen, options.gene_names, mod)
    _, labels = harmonise(screen, options, mod)
    cells = unwrap(screen, mod).adata
    if missing := [gene for gene in result.genes if gene not in cells.var_names]:
        raise InputError(
            f"--screen {options.screen} lacks {len(missing)} of the {len(result.genes)} genes of the fit: "
            f"{list_some(missing)}. Give the screen with the genes that were fitted."
        )
    judged = cells[:, list(result.genes)].copy()
    params = {**result.params, "perturbation_key": labels["column"], "control": None, "mod": None}
    encode(judged, replace(result, params=params), options.key)
    return judged


def _modality(data: Any, options: argparse.Namespace) -> str | None:
    """Modality of that name, where there are modalities."""
    return options.mod if hasattr(data, "mod") else None
