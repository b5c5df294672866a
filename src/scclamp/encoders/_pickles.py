"""Dictionaries of released models that are pickles, read without running anything that a file asks for."""

from __future__ import annotations

import io
import pickle
import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._errors import InputError, StorageError
from scclamp.encoders._released import released_file
from scclamp.encoders._weights import read_json

if TYPE_CHECKING:
    import os

_CONTAINERS = (dict, list, tuple, set, frozenset)
_NUMBERS = re.compile(r"[biuf]\d{1,2}|U\d{1,6}")
# Whatever a file that is cut off or tampered with makes an unpickler stumble over.
_STUMBLES = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class _Refused(pickle.UnpicklingError):
    """The file names something that is not on the list."""


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Read a pickle of plain containers, text and numbers; numbers of numpy become Python's own.

    Nothing of numpy is called with what the file holds but the conversion of bytes to a number.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    StorageError
        When it is missing or damaged, or names anything else, which could run code: that is refused before it is looked up.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "medians.pkl").write_bytes(pickle.dumps({"ENSG00000102145": np.float64(2.5)}))
    ...     read_pickle(Path(folder) / "medians.pkl")
    {'ENSG00000102145': 2.5}
    """
    file = released_file(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise StorageError(
            f"path={str(path)!r} cannot be read: {error.strerror}. Check the path, or download the file anew."
        ) from error
    try:
        return _Reader(io.BytesIO(content)).load()
    except _Refused as error:
        raise StorageError(
            f"path={str(path)!r} asks for {error}, and reading it could run code: it is refused. Take the released file, or "
            "save the dictionary as JSON where you trust it."
        ) from error
    except _STUMBLES as error:
        raise StorageError(
            f"path={str(path)!r} is no pickle, or a damaged one ({error}). Download it anew, or name a JSON file '.json'."
        ) from error


def read_dictionary(argument: str, source: str | os.PathLike[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Read a dictionary that may be given as it is, as a JSON file (`.json`) or as a pickle (any other name).

    Parameters
    ----------
    argument
        What messages call it.
    source
        The dictionary or its file.
    """
    if isinstance(source, Mapping):
        return dict(source)
    content = read_json(source) if Path(source).suffix == ".json" else read_pickle(source)
    if not isinstance(content, Mapping):
        raise InputError(
            f"{argument}={str(source)!r} holds a {type(content).__name__}, not a dictionary. Pass the file of the release."
        )
    return dict(content)


class _Reader(pickle.Unpickler):
    """Knows a list of names and no other."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._allowed = _stand_ins()

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise _Refused(f"{module}.{name}")
        return self._allowed[module, name]


def _stand_ins() -> dict[tuple[str, str], Any]:
    """What may be named and what is taken for it: made anew for each file, since a pickle can set attributes of it."""

    class Kind:
        """In the place of `numpy.dtype`."""

        def __init__(self, code: str, *_: object) -> None:
            if not _NUMBERS.fullmatch(code):
                raise _Refused(f"numpy.dtype({code!r})")
            self.code, self.order = code, "="

        def __setstate__(self, state: tuple[Any, ...]) -> None:
            self.order = {"<": "<", ">": ">"}.get(state[1], "=")

    def scalar(kind: Kind, data: bytes) -> Any:
        return np.frombuffer(data, np.dtype(kind.order + kind.code), 1)[0].item()

    def encode(text: str, encoding: str) -> bytes:
        if encoding != "latin1":
            raise _Refused(f"_codecs.encode to {encoding!r}")
        return text.encode("latin1")

    known: dict[tuple[str, str], Any] = {("numpy", "dtype"): Kind, ("_codecs", "encode"): encode}
    known |= {(f"numpy.{core}.multiarray", "scalar"): scalar for core in ("core", "_core")}
    known |= {(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in _CONTAINERS}
    return known | {("collections", "OrderedDict"): OrderedDict}
