"""Files of `torch.save` that hold more than weights: arrays are read too, any other object is left unread, and no code is run."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from scclamp._errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Whatever a file that is cut off or tampered with makes torch stumble over.
_STUMBLES = (
    pickle.UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Unread:
    """Stands for an object of a class that is not read: whatever would be done to it is not done."""

    def __new__(cls, *_args: object) -> Self:
        return super().__new__(cls)

    def __init__(self, *_args: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass


def read_file(file: Path, otherwise: str) -> Any:
    """Read a file, with an :class:`Unread` of the same name for each class or function but those of torch and numpy arrays.

    Parameters
    ----------
    file
        Where `torch.save` wrote.
    otherwise
        What to do where that is not enough and the file is trusted, for the message.

    Raises
    ------
    StorageError
        When it is damaged, or cannot be read so.
    """
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(file)
        # What the user has declared safe is left out, so that it is still declared so afterwards.
        kinds = _KINDS.difference(torch.serialization.get_safe_globals())
        stand_ins = [_stand_in(name) for name in names if name != "numpy.ndarray"]
        with torch.serialization.safe_globals([*kinds, *stand_ins]):
            return torch.load(file, map_location="cpu", weights_only=True)
    except _STUMBLES as error:
        # Torch's own message advises to run what the file holds; what it was about is behind it.
        why = str(error.__context__ or error).splitlines()[0]
        raise StorageError(
            f"path={str(file)!r} cannot be read without running what it holds ({why}). Where you trust it, {otherwise}."
        ) from error


def _stand_in(name: str) -> Callable[..., Any]:
    """What is read in place of a class or a function, under its own name, by which torch finds it."""
    module, _, short = name.rpartition(".")
    if name not in _CALLED:
        return type(short, (Unread,), {"__module__": module})

    def call(*args: Any) -> Any:
        return _CALLED[name](*args)

    call.__module__, call.__name__, call.__qualname__ = module, short, short
    return call


def _dict(_default: object = None) -> dict[Any, Any]:
    """Make a dict in place of one with defaults, which torch does not fill."""
    return {}


_array: Any = np.empty(0).__reduce__()[0]
_scalar: Any = np.float64(0).__reduce__()[0]
_KINDS = frozenset({np.ndarray, *(getattr(np.dtypes, kind) for kind in np.dtypes.__all__)})
"""Classes whose objects are given their contents."""
_CALLED: dict[str, Callable[..., Any]] = {
    "builtins.bytes": bytes,
    "builtins.dict": dict,
    "collections.defaultdict": _dict,
    "numpy.dtype": np.dtype,
    **{f"numpy.{place}.multiarray._reconstruct": _array for place in ("core", "_core")},
    **{f"numpy.{place}.multiarray.scalar": _scalar for place in ("core", "_core")},
}
"""What is called, by the names in a file of any numpy."""
