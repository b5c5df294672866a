"""What a fit leaves behind, as plain arrays: the faces pass it around and the storage writes it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._digest import digest_names, digest_text, digest_value, dump_json, load_json
from scclamp._errors import InputError, list_some

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = float | int | bool | str | np.ndarray


@dataclass(frozen=True, eq=False)
class Result:
    """A fitted network and how it came about.

    Fields are brought to one plain form (see the notes), so that what is read back from a file equals what was written,
    bit for bit.

    Parameters
    ----------
    A
        Signed weights, genes x regulators, float32 or float64.
    b
        Basal rate of each gene.
    genes
        Names of the genes, unique, in the order of the rows.
    regulators
        Names of the regulators, in the order of the columns.
    regulator_rows
        Row of each regulator in `genes`; -1 for a regulator that was not measured.
    control_mean
        Mean expression of each gene in the control condition.
    kinetics
        Parameters of the dynamics by name, scalars or arrays.
    history
        One row for each epoch; number, boolean or string columns.
    params
        Configuration and arguments of the call: anything JSON holds.
    A_sd
        Spread of the weights of an ensemble's members around `A`.
    members
        Parameters of each member, stacked along the first axis.
    conditions, diagnostics
        Scalars and arrays by name.

    Notes
    -----
    Arrays are copied to native byte order and C order, strings become `str` arrays, 0-d arrays and numpy scalars become
    Python numbers, tuples in `params` become lists, and dicts of values are sorted by key.
    """

    A: np.ndarray
    b: np.ndarray
    genes: tuple[str, ...]
    regulators: tuple[str, ...]
    regulator_rows: np.ndarray
    control_mean: np.ndarray
    kinetics: dict[str, Value]
    history: pd.DataFrame
    params: dict[str, Any]
    A_sd: np.ndarray | None = None
    members: dict[str, np.ndarray] = field(default_factory=dict)
    conditions: dict[str, Value] = field(default_factory=dict)
    diagnostics: dict[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__  # the only way to normalise a frozen field
        for name in ("genes", "regulators"):
            put(self, name, tuple(plain_value(getattr(self, name), name).tolist()))
        for name in ("A", "b", "control_mean") + (("A_sd",) if self.A_sd is not None else ()):
            put(self, name, _floats(getattr(self, name), name))
        rows = plain_value(self.regulator_rows, "regulator_rows")
        put(self, "regulator_rows", rows if len(rows) else np.zeros(0, dtype=np.int64))
        for name in ("kinetics", "members", "conditions", "diagnostics"):
            put(self, name, plain_values(getattr(self, name), name))
        put(self, "history", plain_table(self.history, "history"))
        put(self, "params", load_json(dump_json(self.params)))
        self._check()

    @property
    def controls(self) -> list[str] | None:
        """Labels that meant control, as they were passed to the fit; None where they were recognised."""
        control = self.params.get("control")
        return [control] if isinstance(control, str) else control

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of every field, entries of dicts one by one: two results are equal where these are."""
        found = {}
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if name == "params":
                found[name] = digest_text(dump_json(value))
            elif isinstance(value, tuple):
                found[name] = digest_names(value)
            elif isinstance(value, dict):
                found |= {f"{name}[{key!r}]": digest_value(item) for key, item in value.items()}
            elif value is not None:
                found[name] = digest_value(value)
        return found

    def _check(self) -> None:
        n, r = len(self.genes), len(self.regulators)
        shapes = {"A": (n, r), "A_sd": (n, r), "b": (n,), "control_mean": (n,), "regulator_rows": (r,)}
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                msg = f"{name} has shape {value.shape} but {n} genes and {r} regulators need {shape}."
                raise InputError(msg)
        if len(set(self.genes)) < n:
            twice = sorted({gene for gene in self.genes if self.genes.count(gene) > 1})
            msg = f"genes has names twice: {list_some(twice)}. Call adata.var_names_make_unique() before the fit."
            raise InputError(msg)
        rows = self.regulator_rows
        if rows.dtype.kind != "i" or ((rows < -1) | (rows >= n)).any():
            msg = f"regulator_rows must be integers from -1 (not measured) to {n - 1}. Got {rows!r}."
            raise InputError(msg)
        wrong = [name for name, row in zip(self.regulators, rows, strict=True) if row >= 0 and self.genes[row] != name]
        if wrong:
            msg = f"regulator_rows points {list_some(wrong)} at rows of other genes. Both must have one order."
            raise InputError(msg)


def plain_value(value: object, where: str) -> Any:
    """Bring an array or a scalar to the form that every file format gives back, or say why it cannot be stored."""
    array = np.asarray(value.decode() if isinstance(value, bytes) else value)
    kind = array.dtype.kind
    if kind == "S":
        array = np.char.decode(array, "utf-8")
    elif array.size == 0 and kind in "OT":
        array = array.astype("U1")
    elif kind in "OUT":
        flat = array.ravel().tolist()
        if not all(isinstance(item, str) and "\0" not in item for item in flat):
            msg = f"{where} holds objects other than strings, which files cannot hold. Give numbers or strings."
            raise InputError(msg)
        array = np.array(flat, dtype=str).reshape(array.shape)
    elif kind not in "biuf" or array.dtype.itemsize > 8:
        msg = f"{where} is of dtype {array.dtype}, which files cannot hold. Give booleans, numbers or strings."
        raise InputError(msg)
    if array.ndim == 0:
        return array.item()
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def plain_values(values: Mapping[str, object], where: str) -> dict[str, Any]:
    """Bring a dict of arrays and scalars to its plain form, sorted by key."""
    for key in values:
        _check_key(key, where)
    return {str(key): plain_value(values[key], f"{where}[{key!r}]") for key in sorted(values)}


def plain_table(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Bring a table to its plain form: a default index, numbers as they are and strings as `str`."""
    for key in table.columns:
        _check_key(key, where)
    if len(set(table.columns)) < table.shape[1] or not table.index.equals(pd.RangeIndex(len(table))):
        msg = f"{where} must have unique columns and no index of its own. Call {where}.reset_index()."
        raise InputError(msg)
    columns = {str(key): plain_value(table[key].to_numpy(), f"{where}[{key!r}]") for key in table.columns}
    dtypes = {key: "str" if column.dtype.kind == "U" else column.dtype for key, column in columns.items()}
    return pd.DataFrame({key: pd.Series(column, dtype=dtypes[key]) for key, column in columns.items()})


def _floats(value: object, where: str) -> np.ndarray:
    array = plain_value(value, where)
    if not isinstance(array, np.ndarray) or array.dtype not in (np.float32, np.float64):
        msg = f"{where} must be an array of float32 or float64. Got {getattr(array, 'dtype', type(array).__name__)}."
        raise InputError(msg)
    return array


def _check_key(key: object, where: str) -> None:
    if not isinstance(key, str) or key in {"", ".", "..", "_index"} or "/" in key or "\0" in key:
        msg = f"{where} has the key {key!r}. Files need strings without '/', and not '', '.', '..' or '_index'."
        raise InputError(msg)
