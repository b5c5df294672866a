"""One canonical form for names, numbers and JSON, so that a digest means the same on every machine."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from scclamp._errors import InputError

_FLOAT = "$float"
"""JSON has no NaN or infinity: they are stored as `{"$float": "nan"}`, `"inf"`, `"-inf"`."""


def dump_json(value: object) -> str:
    """Write JSON in the one form that :func:`load_json` gives back exactly.

    Floats keep every bit, also NaN and the infinities; integers may be of any size; the order of keys is kept; tuples
    become lists and numpy scalars become Python numbers.

    Parameters
    ----------
    value
        Nested dicts with string keys, lists, tuples, strings, numbers, booleans and None.

    Examples
    --------
    >>> dump_json({"loss": [0.1, float("nan")]})
    '{"loss":[0.1,{"$float":"nan"}]}'
    """
    return json.dumps(_to_json(value, ""), separators=(",", ":"), allow_nan=False)


def load_json(text: str) -> Any:
    """Read what :func:`dump_json` wrote; a ValueError when it is not JSON."""
    return json.loads(text, object_hook=_from_json)


def digest_text(text: str) -> str:
    """Hash a string."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_names(names: Iterable[str]) -> str:
    """Hash names and their order."""
    return digest_text(json.dumps([str(name) for name in names]))


def digest_value(value: np.ndarray | pd.DataFrame | str | float) -> str:
    """Hash the type, the shape and every bit of an array, a table or a scalar."""
    if isinstance(value, pd.DataFrame):
        columns = [[str(name), digest_value(value[name].to_numpy())] for name in value.columns]
        return digest_text(json.dumps([len(value), columns]))
    if not isinstance(value, np.ndarray):
        return digest_text(json.dumps([type(value).__name__, dump_json(value)]))
    if value.dtype.kind in "OUT":
        return digest_text(json.dumps([value.shape, value.ravel().tolist()]))
    little = value.astype(value.dtype.newbyteorder("<"), order="C", copy=False)
    digest = hashlib.sha256(json.dumps([little.dtype.str, little.shape]).encode())
    digest.update(little.tobytes())
    return digest.hexdigest()


def _to_json(value: object, where: str) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_FLOAT: repr(float(value))}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [_to_json(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or key == _FLOAT:
                msg = f"{where or 'value'} has the key {key!r}. Keys must be strings other than {_FLOAT!r}."
                raise InputError(msg)
        return {key: _to_json(item, f"{where}[{key!r}]") for key, item in value.items()}
    msg = (
        f"{where or 'value'} is of type {type(value).__name__}, which JSON cannot hold. "
        "Give strings, numbers, booleans, None, lists and dicts; arrays and tensors are stored by name beside it."
    )
    raise InputError(msg)


def _from_json(value: dict[str, Any]) -> Any:
    return float(value[_FLOAT]) if value.keys() == {_FLOAT} else value
