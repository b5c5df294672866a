"""Library size of each cell, over all genes that were sequenced rather than those that are left."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._columns import Table
from scclamp._errors import InputError, InputWarning, list_some
from scclamp._source import open_layer
from scclamp._streaming import CHUNK_SIZE, grouped_sums, selector
from scclamp._values import require_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scclamp._source import Source

_USUAL = frozenset(
    "n_counts ncounts total_counts ncount_rna n_umis n_umi numi umi_count umi_counts response_n_umis library_size".split()
)
_CLEARLY = 1.05


def library_sizes(table: Table, layer: str | None, key: str | None) -> NDArray[np.float64]:
    """Check that the values are counts, and sum them over genes unless a column knows better.

    Parameters
    ----------
    table
        The data.
    layer
        Layer with the counts; `X` by default.
    key
        Column of `obs` with the library size; by default the sums, with a warning when a usual column exceeds them.

    Returns
    -------
    Library size of each cell, above 0.

    Examples
    --------
    >>> import anndata as ad, numpy as np
    >>> library_sizes(Table(ad.AnnData(np.array([[1.0, 2.0], [0.0, 4.0]]))), None, None)
    array([3., 4.])
    """
    adata = table.adata
    source = open_layer(adata, layer)
    _, stats = grouped_sums(source, selector(np.zeros(adata.n_obs, dtype=np.int64), 1))
    require_values(adata, layer, stats, expects="counts")
    sums = row_sums(source)
    library = sums if key is None else _numbers(table, key)
    if key is not None and not (library >= sums).all():
        cell = int(np.argmin(library >= sums))
        raise InputError(
            f"library_size_key={key!r} holds {library[cell]:g} for cell {adata.obs_names[cell]!r}, whose counts sum to "
            f"{sums[cell]:g}. Name the column with the library size of the whole transcriptome."
        )
    if not (library > 0).all():
        empty = adata.obs_names[library <= 0]
        raise InputError(
            f"adata holds {len(empty)} cells without any counts: {list_some(empty)}. "
            "Remove them, for instance with scanpy.pp.filter_cells(adata, min_counts=1)."
        )
    if key is None and (message := explain_cut(table, sums)):
        warnings.warn(message, InputWarning, stacklevel=3)
    return library


def row_sums(source: Source) -> NDArray[np.float64]:
    """Sum of each row, whichever way a matrix is stored."""
    sums = np.zeros(source.shape[0])
    for at, block in source.blocks(CHUNK_SIZE):
        sums[at if source.by_rows else slice(None)] += np.asarray(block.sum(axis=1, dtype=np.float64)).ravel()
    return sums


def _numbers(table: Table, key: str) -> NDArray[np.float64]:
    column = table.read(key, "library_size_key")
    numbers = pd.to_numeric(column, errors="coerce")
    # A cell without a value is for the check of values, which names the cell.
    if len(other := column[numbers.isna() & column.notna()].astype(str).unique()):
        raise InputError(
            f"library_size_key={key!r} holds no numbers but {list_some(other)}. Name the column of obs with the counts of the whole "
            "transcriptome of each cell."
        )
    return numbers.to_numpy(float)


def explain_cut(table: Table, sums: NDArray[np.float64]) -> str:
    """Say when the genes seem to be a panel already, whose sum is no library size; empty where nothing says so."""
    for key in table.columns:
        if key.casefold() not in _USUAL:
            continue
        whole = pd.to_numeric(table.read(key, "library_size_key"), errors="coerce").to_numpy(float)
        if (whole >= sums).all() and np.median(whole) > _CLEARLY * np.median(sums):
            return (
                f"library_size_key=None: cells are scaled by the sum of their {table.adata.n_vars} genes (median "
                f"{np.median(sums):g}), but obs[{key!r}] is larger (median {np.median(whole):g}), as if these genes were "
                f"a panel already. Pass library_size_key={key!r} if it counts the whole transcriptome."
            )
    return ""
