"""Which code an encoder runs, so that what an older version of it encoded is not mistaken for what this one would."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from scclamp._atomic import sha256_file
from scclamp._errors import InputError
from scclamp.encoders._encoder import digest
from scclamp.encoders._module import module_of

if TYPE_CHECKING:
    from scclamp.encoders._encoder import Encoder

_OWN = Path(__file__).parent


def code_version(encoder: Encoder) -> str:
    """Digest of the files that define an encoder, of all lenses of this package, and of the version of torch.

    Files that those import are not looked at.

    Parameters
    ----------
    encoder
        The encoder; what it calls must be a module, whose parameters and code can be read.

    Raises
    ------
    InputError
        When a change of its code could go unseen.
    """
    module = module_of(encoder)
    function = getattr(encoder, "function", None)
    # Of an object that a method belongs to nothing is told unless it is a module.
    if function is not None and (module is None or module not in (function, getattr(function, "__self__", None))):
        msg = (
            f"encoder={encoder.name!r} is a plain function, of which only the name can be told, so that a change would go "
            "unseen by a cache. Write it as a torch.nn.Module, or as a class with a fingerprint()."
        )
        raise InputError(msg)
    parts = [] if module is None else [type(part) for part in module.modules()]
    classes = {base for each in (type(encoder), *parts) for base in each.__mro__}
    files = {_file_of(each, encoder) for each in classes if not _is_library(each)} | set(_OWN.glob("*.py"))
    return digest(torch.__version__, *sorted(f"{path.name} {sha256_file(path)}" for path in files))


def _is_library(each: type[Any]) -> bool:
    return each.__module__.split(".")[0] in {"builtins", "torch", "typing", "abc"}


def _file_of(each: type[Any], encoder: Encoder) -> Path:
    try:
        path = Path(inspect.getfile(each))
    except (TypeError, OSError):
        path = None
    if path is None or not path.is_file():
        msg = (
            f"encoder={encoder.name!r}: the code of {each.__qualname__!r} is in no file, so that a change would go unseen by a "
            "cache. Move the class to a .py file and import it."
        )
        raise InputError(msg)
    return path
