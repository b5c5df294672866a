"""Weights of pretrained models: read without running code, and put into place without dropping any in silence."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch

from scclamp._errors import InputError, StorageError
from scclamp.encoders._released import released_file

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from torch import Tensor

_INSIDE = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("module.", "_orig_mod.")
_SHOWN = 12


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file of a checkpoint; a StorageError says what is wrong with it."""
    try:
        return json.loads(released_file(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(path, f"it is no JSON: {error}") from error


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read everything that a checkpoint file holds, such as `state_dict` and `hyper_parameters` of Lightning.

    Only tensors and plain containers are read: a file that would run code is refused.

    Parameters
    ----------
    path
        File of `torch.save`, or `.safetensors`.

    Raises
    ------
    StorageError
        When it is missing, damaged, or holds anything else than tensors and plain containers.
    """
    file = released_file(path)
    try:
        if file.suffix == ".safetensors":
            return safetensors.torch.load_file(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported operand" in str(error):
            raise _damaged(path, "torch.save did not write it, or it is cut off") from error
        raise StorageError(
            f"path={str(path)!r} holds objects other than tensors and plain containers, and reading them could run code: it "
            "is refused. Save its `state_dict` alone where you trust the file, or take the released one in safetensors."
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, safetensors.SafetensorError) as error:
        said = (str(error).splitlines() or [""])[0] or "it ends too early"
        raise _damaged(path, f"it is cut off or damaged, at {file.stat().st_size} bytes ({said})") from error
    if not isinstance(content, Mapping):
        raise _damaged(path, f"it holds a {type(content).__name__}, not weights by name")
    return dict(content)


def load_tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read the weights of a checkpoint file by name; those of a Lightning file stand in its `state_dict`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save({"state_dict": {"module.weight": torch.ones(2)}}, Path(folder) / "model.pt")
    ...     load_tensors(Path(folder) / "model.pt")
    {'weight': tensor([1., 1.])}
    """
    content: Any = load_checkpoint(path)
    for name in _INSIDE:
        if isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if not content or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise _damaged(
            path, f"it holds no weights by name, but {', '.join(map(str, list(content)[:_SHOWN])) or 'nothing'}"
        )
    return without_prefix({str(name): value for name, value in content.items()})


def without_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights by their names without what torch puts before all of them when it trains on several devices, or compiles.

    Examples
    --------
    >>> list(without_prefix({"module.a": torch.ones(1), "module.b": torch.ones(1)}))
    ['a', 'b']
    """
    found = dict(tensors)
    while found and (prefix := next((each for each in _PREFIXES if all(n.startswith(each) for n in found)), "")):
        found = {name.removeprefix(prefix): value for name, value in found.items()}
    return found


def fit_state(
    module: torch.nn.Module,
    tensors: Mapping[str, Tensor],
    renames: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
) -> None:
    r"""Put weights into a module: all that it needs, and none left over.

    Parameters
    ----------
    module
        Takes the weights, in its own precision and place.
    tensors
        Weights by their names in the file.
    renames
        Regular expressions and what to put in place of them, applied in turn to every name.
    ignore
        Beginnings of names, after renaming, that may be left over.

    Raises
    ------
    InputError
        Which weights are missing, of another shape, not finite, or left over. The module is unchanged then.

    Examples
    --------
    >>> layer = torch.nn.Linear(1, 1, bias=False)
    >>> fit_state(layer, {"old.weight": torch.ones(1, 1), "head.bias": torch.ones(3)}, {r"^old\.": ""}, ["head."])
    >>> layer.weight.item()
    1.0
    """
    named: dict[str, Tensor] = {}
    problems: list[str] = []
    for old, tensor in tensors.items():
        new = old
        for pattern, by in (renames or {}).items():
            new = re.sub(pattern, by, new)
        if new in named:
            problems.append(f"{new!r} is there twice")
        named[new] = tensor
    needed = module.state_dict()
    for name, own in needed.items():
        if name not in named:
            problems.append(f"{name!r} is missing")
        elif named[name].shape != own.shape:
            problems.append(f"{name!r} is {tuple(named[name].shape)}, not {tuple(own.shape)}")
        elif not named[name].isfinite().all():
            problems.append(f"{name!r} holds NaN or infinity")
    spare = [name for name in named if name not in needed and not name.startswith(tuple(ignore))]
    problems += [f"{name!r} is left over" for name in spare]
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InputError(
            f"checkpoint: its weights do not fit {type(module).__name__}: {'; '.join(problems[:_SHOWN])}{more}. Check that "
            "the configuration and the weights are of one model, and that it is of the kind that this class reads."
        )
    module.load_state_dict({name: named[name] for name in needed})


def _damaged(path: str | os.PathLike[str], why: str) -> StorageError:
    return StorageError(f"path={str(path)!r} cannot be read: {why}. Download the checkpoint anew, or check its kind.")
