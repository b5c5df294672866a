"""The file of a scPRINT checkpoint: weights by the names that are used here, and what its settings say of the model."""

from __future__ import annotations

import logging
import pickle
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scclamp._errors import InputError, StorageError, list_some
from scclamp.encoders._scprint_config import NEEDED, POSITIONS
from scclamp.encoders._weights import load_checkpoint, without_prefix

if TYPE_CHECKING:
    import os

    from torch import Tensor

RENAMES = {
    r"^gene_encoder\.(?:0\.)?embeddings?\.weight$": "gene_encoder.embeddings.weight",
    r"^class_encoder\.(?:[^.]+\.)*weight$": "class_encoder.embeddings.weight",
}
"""Names of weights in files, and here: older files wrap the table of genes, and that of the cell tokens has any name."""
_HEAD = re.compile(r"^[^.]*decoders?\.")
_logger = logging.getLogger(__name__)


def read_scprint(path: str | os.PathLike[str], ignore: Sequence[str] = ()) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights that an embedding needs, by their names here, and the settings of a Lightning file.

    Heads, whose names begin with a word that ends in "decoder" or "decoders", read what the transformer has made and are left
    out, as is what `ignore` names; everything else must be of use.

    Parameters
    ----------
    path
        The file.
    ignore
        Beginnings of names of weights that may be left out.

    Raises
    ------
    StorageError
        When it is missing, damaged, or holds anything that could run code.
    InputError
        When it is no Lightning file, or holds weights that belong to nothing that is computed here.
    """
    try:
        # Settings of Lightning are often numbers of numpy.
        with torch.serialization.safe_globals(_numpy_globals()):
            content = load_checkpoint(path)
    except StorageError as error:
        if isinstance(error.__cause__, pickle.UnpicklingError):
            raise StorageError(
                f"{error} Of `hyper_parameters` keep {', '.join(map(repr, NEEDED))}, as plain numbers, names and lists."
            ) from error
        raise
    state, settings = content.get("state_dict"), content.get("hyper_parameters")
    if not (isinstance(state, Mapping) and isinstance(settings, Mapping) and _are_weights(state)):
        raise InputError(
            f"path={str(path)!r} holds {list_some(content)}, not weights in `state_dict` and settings in `hyper_parameters`. Pass the Lightning file "
            "(.ckpt) of scPRINT."
        )
    state = without_prefix(state)
    unread = tuple(name for name in state if _HEAD.match(name) or name.startswith(tuple(ignore)))
    if unread:
        _logger.info("weights that no embedding needs: %s", list_some(unread))
    tensors = {name: value for name, value in state.items() if name not in unread}
    renamed = {name: _renamed(name) for name in tensors}
    if twice := [name for name, n in Counter(renamed.values()).items() if n > 1]:
        raise InputError(
            f"checkpoint: {list_some([n for n, new in renamed.items() if new in twice], 12)} are one thing here. "
            "Leave out what no embedding needs with `ignore`."
        )
    found = {renamed[name]: value for name, value in tensors.items()}
    if (table := found.get(POSITIONS)) is not None and table.ndim == 3 and 1 in table.shape[:2]:
        found[POSITIONS] = table.flatten(0, 1)
    return found, dict(settings)


def _are_weights(state: Mapping[Any, Any]) -> bool:
    return all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items())


def _renamed(name: str) -> str:
    for pattern, new in RENAMES.items():
        name = re.sub(pattern, new, name)
    return name


def _numpy_globals() -> list[Any]:
    """What a pickled number or array of numpy refers to, by its present and its former place; none of it runs code of a file."""
    from numpy._core import multiarray

    kinds = (np.bool_, np.int32, np.int64, np.float32, np.float64, np.str_, np.object_)
    functions = [
        (getattr(multiarray, name), f"numpy.{core}.multiarray.{name}")
        for name in ("scalar", "_reconstruct")
        for core in ("_core", "core")
    ]
    return [*functions, np.dtype, np.ndarray, *{type(np.dtype(kind)) for kind in kinds}]
