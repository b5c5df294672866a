"""Brings the files of every source into one form: symbols, canonical perturbations, known values, the true cell line."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from anndata.utils import make_index_unique

from scclamp._errors import InputError, InputWarning, did_you_mean, list_some
from scclamp._keys import CONTROL, PERTURBATION, SEPARATOR
from scclamp.pp._perturbations import perturbations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anndata import AnnData
    from scipy import sparse

COUNTS = "counts"
LABEL = "label"
_CHUNK = 2**24
_HOW = "Give source= the layout that the file has."


@dataclass(frozen=True)
class Layout:
    """How one source writes its file.

    Parameters
    ----------
    label
        Column of `obs` with the perturbation.
    X
        What `X` holds: raw `counts`, or `log1p` of normalised counts.
    cell_line
        The line that the cells truly are of.
    cell_line_column
        Column of `obs` in which the source says so, or would.
    symbols
        Columns of `var` that may hold the symbols; where none is there, the index does.
    aliases
        Labels of this source that mean something else than what stands there.
    guide
        Pattern of its other labels, where they name guides; its group `gene` is the target.
    """

    label: str
    X: Literal["counts", "log1p"]
    cell_line: str
    cell_line_column: str = "cell_line"
    symbols: tuple[str, ...] = ()
    aliases: Mapping[str, str | None] = field(default_factory=dict)
    guide: str | None = None

    def meanings(self, labels: Iterable[str]) -> dict[str, str | None]:
        """Aliases of labels that occur, guides of genes that are not measured among them."""
        found = dict(self.aliases)
        for label in set(labels) - set(found):
            if self.guide and (match := re.fullmatch(self.guide, label)):
                # Beside a control it is a gene, for which the usual other names are known.
                found[label] = f"{match['gene']}{SEPARATOR}{CONTROL}"
        return found


def scperturb(cell_line: str, *, aliases: Mapping[str, str | None] | None = None, guide: str | None = None) -> Layout:
    """Layout of the scPerturb files: raw counts, labels such as `A_B`."""
    return Layout("perturbation", "counts", cell_line, symbols=("gene_symbol",), aliases=aliases or {}, guide=guide)


def gears(cell_line: str) -> Layout:
    """Layout of the GEARS files: log-normalised, counts in a layer where there are any, labels such as `A+ctrl`."""
    return Layout("condition", "log1p", cell_line, "cell_type", symbols=("gene_name", "feature_name"))


def to_house(adata: AnnData, layout: Layout) -> list[str]:
    """Change an AnnData of a source, with sparse matrices, into the house form in place, and say what was done."""
    if layout.label not in adata.obs:
        hint = did_you_mean(layout.label, map(str, adata.obs.columns))
        raise InputError(f"The file has no column {layout.label!r} in obs.{hint} {_HOW}")
    notes = [_check_values(adata, layout), *_name_genes(adata, layout), *_set_cell_line(adata, layout)]
    obs: Any = adata.obs
    obs[LABEL] = obs[layout.label].astype("category")
    if layout.label == PERTURBATION:
        del obs[PERTURBATION]
    meanings = layout.meanings(map(str, obs[LABEL].cat.categories))
    perturbations(adata, key=LABEL, aliases=meanings, ambiguous="drop", show=False)
    return notes


def _name_genes(adata: AnnData, layout: Layout) -> list[str]:
    column = next((name for name in layout.symbols if name in adata.var), None)
    data: Any = adata
    symbols = pd.Index((data.var[column] if column else adata.var_names).astype(str).to_numpy(), dtype=object)
    if column:
        adata.var["gene_id"] = adata.var_names.astype(str).to_numpy()
    if symbols.is_unique:
        data.var_names = symbols
        return []
    repeated = symbols[symbols.duplicated()].unique()
    adata.var["symbol"] = symbols.to_numpy()
    data.var_names = make_index_unique(symbols)
    named = list_some(repeated)
    return [f"{len(repeated)} symbols name several genes each, of which all but the first are numbered: {named}"]


def _check_values(adata: AnnData, layout: Layout) -> str:
    """Hold the file to what its source is known to write, rather than guess from the numbers."""
    X: Any = adata.X
    layers: Any = adata.layers
    if layout.X == "counts":
        _require_counts(X, "X")
        if "n_counts" not in adata.obs:
            adata.obs["n_counts"] = np.asarray(X.sum(axis=1, dtype=np.float64)).ravel().astype(np.int64)
        return "X holds raw counts"
    if _is_counts(X):
        raise InputError(f"X holds whole numbers only, where this source writes log-normalised values. {_HOW}")
    if COUNTS not in layers:
        return "X is log-normalised; the file has no raw counts"
    _require_counts(layers[COUNTS], f"layers[{COUNTS!r}]")
    return f"X is log-normalised; layers[{COUNTS!r}] holds raw counts of the genes of this file only"


def _require_counts(matrix: sparse.csr_matrix, where: str) -> None:
    if not _is_counts(matrix):
        msg = f"{where} holds other values than whole numbers from 0 on, where this source writes raw counts. {_HOW}"
        raise InputError(msg)


def _is_counts(matrix: sparse.csr_matrix) -> bool:
    parts = (matrix.data[start : start + _CHUNK] for start in range(0, len(matrix.data), _CHUNK))
    return all(bool((np.isfinite(p) & (p >= 0) & (np.floor(p) == p)).all()) for p in parts)


def _set_cell_line(adata: AnnData, layout: Layout) -> list[str]:
    column, line = layout.cell_line_column, layout.cell_line
    said = sorted(set(adata.obs[column].astype(str))) if column in adata.obs else []
    true = pd.Categorical([line] * adata.n_obs)
    adata.obs["cell_line"] = true
    if all(word.casefold() == line.casefold() for word in said):
        return []
    adata.obs[column] = true
    note = f"obs[{column!r}] of the file says {list_some(said)}; the cells are {line} and now say so"
    warnings.warn(f"{note}.", InputWarning, stacklevel=5)
    return [note]
