"""Finds the data and its columns: AnnData or MuData, in memory, backed or lazy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import pandas as pd

from scclamp._errors import InputError, did_you_mean, list_some
from scclamp._keys import HARMONISED

if TYPE_CHECKING:
    from anndata import AnnData


def read_column(frame: Any, key: str) -> pd.Series:
    """Read one column of `obs` or `var`; a lazy table gives xarray's type, which is read here."""
    column = frame[key]
    return column if isinstance(column, pd.Series) else column.to_pandas()


@dataclass(frozen=True)
class Table:
    """Columns that describe the observations of one AnnData, those of its MuData included.

    Parameters
    ----------
    adata
        The data.
    parent
        The MuData around it, whose `obs` may hold the labels.
    """

    adata: AnnData
    parent: Any = None

    @property
    def harmonised(self) -> str | None:
        """Column that `pp.perturbations` wrote, if there is one."""
        record: Any = self.adata.uns.get(HARMONISED)
        if not hasattr(record, "keys") or not {"params", "report"}.issubset(record):
            return None
        try:
            params = json.loads(str(record["params"]))
        except ValueError:
            # Another tool uses the key for something else.
            return None
        key = params.get("added") if isinstance(params, dict) else None
        return key if key in self.columns else None

    @property
    def columns(self) -> list[str]:
        """Names of all columns that have a text for a name, those of the AnnData first."""
        outer = [] if self.parent is None else list(self.parent.obs.columns)
        return [c for c in dict.fromkeys([*self.adata.obs.columns, *outer]) if isinstance(c, str)]

    def read(self, key: str, argument: str) -> pd.Series:
        """Read one column as it is, or raise an error that names the argument and near matches."""
        if key not in self.columns:
            known = list_some(self.columns, 20) or "none"
            msg = f"{argument}={key!r} is not a column of adata.obs.{did_you_mean(str(key), self.columns)} There are {known}."
            raise InputError(msg)
        if key in self.adata.obs.columns:
            return read_column(self.adata.obs, key)
        if not self.parent.obs_names.is_unique:
            msg = f"{argument}={key!r} is a column of the MuData, whose obs_names are not unique. Make them unique."
            raise InputError(msg)
        return self.parent.obs.loc[self.adata.obs_names, key]


def unwrap(data: Any, mod: str | None) -> Table:
    """Return the AnnData inside `data`, with a table of its observations.

    Parameters
    ----------
    data
        AnnData, or MuData.
    mod
        Modality of a MuData.
    """
    kinds = {kind.__name__ for kind in type(data).__mro__}
    if "MuData" in kinds:
        known = list_some(data.mod, 20)
        if mod is None:
            msg = f"mod=None, but the data is a MuData. Pass mod= with one of its modalities: {known}."
            raise InputError(msg)
        if mod not in data.mod:
            msg = f"mod={mod!r} is not a modality.{did_you_mean(str(mod), data.mod)} There are {known}."
            raise InputError(msg)
        return Table(data.mod[mod], data)
    if "AnnData" not in kinds:
        msg = f"adata={type(data).__name__} object cannot be used. Pass an AnnData, or a MuData with mod=."
        msg += " A file is read first: adata = scclamp.read(path)." if isinstance(data, str | PathLike) else ""
        raise InputError(msg)
    if mod is not None:
        msg = f"mod={mod!r} was given, but the data is an AnnData and has no modalities. Leave mod=None."
        raise InputError(msg)
    return Table(data)
