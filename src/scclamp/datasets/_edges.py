"""Reads signed edges from transcription factors to targets."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._errors import InputError, list_some
from scclamp.datasets._gmt import read_text

if TYPE_CHECKING:
    from pathlib import Path

_TRRUST_SIGNS = {"Activation": 1, "Repression": -1, "Unknown": 0}
_COLUMNS = ["source", "target", "weight", "evidence"]


def read_trrust(path: Path) -> pd.DataFrame:
    """Read TRRUST v2: four columns without a header, one row for each mode of an edge."""
    table = _read(path, "\t", header=None)
    if table.shape[1] != 4 or not set(table[2]) <= set(_TRRUST_SIGNS):
        msg = (
            f"{path} is not in the layout of TRRUST: factor, target, {' or '.join(_TRRUST_SIGNS)}, PubMed identifiers."
        )
        raise InputError(msg)
    table.columns = pd.Index(["source", "target", "mode", "evidence"])
    table["weight"] = table["mode"].map(_TRRUST_SIGNS).astype(np.int64)
    return _checked(table, path)


def read_collectri(path: Path) -> pd.DataFrame:
    """Read CollecTRI, as published (`source`, `target`, `weight`, ...) or as an export (`tf`, `target`, `sign`)."""
    table = _read(path, ",", header=0).rename(columns={"tf": "source", "sign": "weight", "references": "evidence"})
    if missing := [name for name in _COLUMNS[:3] if name not in table]:
        msg = f"{path} is not in the layout of CollecTRI: it has no column {missing[0]!r} but {list_some(f'{c:.40}' for c in table.columns)}."
        raise InputError(msg)
    weight = pd.to_numeric(table["weight"], errors="coerce")
    if not weight.isin([-1, 0, 1]).all():
        row = int(np.flatnonzero(~weight.isin([-1, 0, 1]))[0])
        msg = f"{path} has the weight {table['weight'].iloc[row]!r} in row {row + 1}. Weights are -1, 0 and 1."
        raise InputError(msg)
    table["weight"] = weight.astype(np.int64)
    if "evidence" not in table:
        table["evidence"] = ""
    return _checked(table, path)


def _read(path: Path, separator: str, header: int | None) -> pd.DataFrame:
    # "NA" and "NAN" are text here: a gene is a name, never a missing number.
    try:
        return pd.read_csv(io.StringIO(read_text(path)), sep=separator, header=header, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} is no table ({error}).") from error


def _checked(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    for name in ("source", "target"):
        if (table[name].str.strip() == "").any():
            row = int(np.flatnonzero(table[name].str.strip() == "")[0])
            raise InputError(f"{path} has no {name} in row {row + 1}. Each edge needs a factor and a target.")
    return table[_COLUMNS].drop_duplicates(ignore_index=True)
