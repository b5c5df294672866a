"""The predicted steady state of every cell's condition."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._columns import Table
from scclamp._errors import InputWarning, list_some
from scclamp._keys import CONTROL
from scclamp._labels import parse_labels
from scclamp._memory import require_memory
from scclamp.tl._dose_labels import counted
from scclamp.tl._requests import Requests, read_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.tl._fitted import Fitted


def read_cells(table: Table, fitted: Fitted, perturbation_key: str) -> tuple[Requests, np.ndarray]:
    """Conditions of the cells that the fit can predict, and the condition of each cell; -1 has none.

    Parameters
    ----------
    table
        The cells.
    fitted
        The fit.
    perturbation_key
        Column of their labels.
    """
    codes, labels = pd.factorize(table.read(perturbation_key, "perturbation_key"))
    texts = [str(label) for label in labels]
    known = {*fitted.result.genes, *fitted.result.regulators}
    report = parse_labels(texts, genes=known, control=fitted.result.controls)
    report.require_readable(f"obs[{perturbation_key!r}]")
    names = [report.mapped.get(text, "") for text in texts]
    columns = set(fitted.result.regulators)
    predictable = sorted({name for name in names if name and columns.issuperset(report.targets[name])})
    at = {name: i for i, name in enumerate(predictable)}
    cells = np.array([*(at.get(name, -1) for name in names), -1])[codes]
    _warn_left_out(names, codes, at, perturbation_key)
    if not predictable:
        return Requests([], np.zeros((0, 1), np.int64), np.zeros((0, 1))), cells
    wanted = {name: report.targets[name] or CONTROL for name in predictable}
    return read_requests(wanted, fitted.result, fitted.max_dose), cells


def gather(states: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Row of `states` for each cell; NaN for cells that have none."""
    layer = np.empty((len(cells), states.shape[1]), states.dtype)
    found = cells >= 0
    if found.all():
        return np.take(states, cells, axis=0, out=layer, mode="clip")
    layer[found] = states[cells[found]]
    layer[~found] = np.nan
    return layer


def require_layer_memory(n_cells: int, n_conditions: int, n_genes: int) -> None:
    """Refuse a layer that does not fit."""
    remedy = (
        "Predict on fewer cells (adata[...].copy()), or one row per condition with "
        "clamps=list(adata.obs[perturbation_key].unique())"
    )
    what = f"A layer of {n_cells} cells x {n_genes} genes"
    require_memory(4.0 * (n_cells + n_conditions) * n_genes, what, remedy)


def _warn_left_out(names: Sequence[str], codes: np.ndarray, at: dict[str, Any], key: str) -> None:
    counts = np.bincount(codes + 1, minlength=len(names) + 1)
    unknown = int(counts[0]) + sum(int(n) for n, name in zip(counts[1:], names, strict=True) if not name)
    missing = {name: int(n) for n, name in zip(counts[1:], names, strict=True) if name and name not in at}
    parts = [f"{counted(unknown, 'cell')} without a known perturbation"] if unknown else []
    if missing:
        parts.append(
            f"{counted(sum(missing.values()), 'cell')} of conditions with a gene that has no column ({list_some(missing)})"
        )
    if parts:
        message = f"obs[{key!r}]: the states of {' and '.join(parts)} are NaN."
        warnings.warn(message, InputWarning, stacklevel=4)
