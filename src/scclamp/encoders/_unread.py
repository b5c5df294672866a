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
    known = _read_as()
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(file)
        read = {name: known.get(name) or type(name.rpartition(".")[2], (Unread,), {}) for name in names}
        # Named, so that what the user has declared safe is still declared so afterwards.
        read |= {f"numpy.dtypes.{kind}": getattr(np.dtypes, kind) for kind in np.dtypes.__all__}
        with torch.serialization.safe_globals([(what, name) for name, what in read.items()]):
            return torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, AssertionError, EOFError, KeyError, OSError, RuntimeError, ValueError) as error:
        # Torch's own message advises to run what the file holds; what it was about is behind it.
        why = str(error.__context__ or error).splitlines()[0]
        raise StorageError(
            f"path={str(file)!r} cannot be read without running what it holds ({why}). Where you trust it, {otherwise}."
        ) from error


def _read_as() -> dict[str, Callable[..., Any]]:
    """What is read beside tensors and containers, by the names in a file of any numpy."""
    array: Any = np.empty(0).__reduce__()[0]
    scalar: Any = np.float64(0).__reduce__()[0]
    return {
        "builtins.bytes": bytes,
        "builtins.dict": dict,
        "collections.defaultdict": _dict,
        "numpy.dtype": np.dtype,
        "numpy.ndarray": np.ndarray,
        **{f"numpy.{place}.multiarray._reconstruct": array for place in ("core", "_core")},
        **{f"numpy.{place}.multiarray.scalar": scalar for place in ("core", "_core")},
    }


def _dict(_default: object = None) -> dict[Any, Any]:
    """Make a dict in place of one with defaults, which torch does not fill."""
    return {}
