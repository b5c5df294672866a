"""Files of a Geneformer checkpoint: configuration, weights, tokens, and the medians by which expression is scaled."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import torch

from scclamp._errors import InputError, InputWarning, StorageError, list_some
from scclamp.encoders._geneformer_model import GeneformerConfig, GeneformerModel
from scclamp.encoders._pickles import read_dictionary
from scclamp.encoders._released import checkpoint_folder
from scclamp.encoders._weights import fit_state, load_tensors, read_json

if TYPE_CHECKING:
    import os

    type Dictionary = str | os.PathLike[str] | Mapping[str, Any]

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_RENAMES = {r"^bert\.": "", r"\.attention\.self\.": ".attention."}
# Heads that predict tokens or classes, and the numbers 0, 1, 2, ... that older files hold beside the places.
_UNUSED = ("cls.", "classifier.", "pooler.", "embeddings.position_ids")
_CELL, _END = "<cls>", "<eos>"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens of a checkpoint, and what the expression of each gene is divided by.

    Parameters
    ----------
    genes
        Token by Ensembl identifier, of genes that have a median.
    medians
        Median of each of them over the cells of the pretraining, where it is expressed.
    special
        Tokens before and after the genes of a cell; empty for models of the first version.
    """

    genes: Mapping[str, int]
    medians: Mapping[str, float]
    special: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokens: Dictionary, medians: Dictionary, n_tokens: int) -> Self:
        """Read both dictionaries, once it is certain that they are those of weights for `n_tokens` tokens."""
        every = _numbers("tokens", tokens, Integral)
        if len(every) != n_tokens or set(every.values()) != set(range(n_tokens)):
            raise InputError(
                f"tokens has {len(every)} entries, but the model has vocab_size={n_tokens}, one for each of 0 to {n_tokens - 1}. "
                "Take the token dictionary of the same release: the first version has 25426, the second 20275."
            )
        values = _numbers("medians", medians, Real)
        genes = {name: token for name, token in every.items() if not name.startswith("<")}
        if wrong := [name for name in genes if name in values and not 0 < values[name] < math.inf]:
            raise InputError(f"medians: those of {list_some(wrong)} are not positive numbers. Download the file anew.")
        if lacking := [name for name in genes if name not in values]:
            warnings.warn(
                f"medians: {len(lacking)} of {len(genes)} genes of the model have none, such as {list_some(lacking, 3)}, and are "
                "taken for unknown. Pass the medians and the tokens of one release.",
                InputWarning,
                stacklevel=3,
            )
        known = {name: token for name, token in genes.items() if name in values}
        special = tuple(every[name] for name in (_CELL, _END) if name in every)
        if len(special) == 1:
            raise InputError(f"tokens has only one of {_CELL!r} and {_END!r}. Pass the token dictionary of a release.")
        return cls(known, {name: float(values[name]) for name in known}, special)


def read_model(folder: str | os.PathLike[str]) -> GeneformerModel:
    """Read a folder with `config.json` and `model.safetensors` or `pytorch_model.bin`.

    Parameters
    ----------
    folder
        The folder, or the file of weights in it.

    Raises
    ------
    InputError
        When configuration and weights disagree, or are of another kind of model.
    StorageError
        When a file is missing or damaged, or could run code.
    """
    place, given = checkpoint_folder(folder, _WEIGHTS[0])
    content = read_json(place / "config.json")
    if not isinstance(content, dict):
        raise InputError(f"checkpoint: config.json holds a {type(content).__name__}, not settings. Check the file.")
    config = GeneformerConfig.of(content)
    file = next((each for each in (given, *(place / name for name in _WEIGHTS)) if each.is_file()), None)
    if file is None:
        raise StorageError(
            f"folder={str(folder)!r} has neither {' nor '.join(_WEIGHTS)}. Pass the folder of one model of the release."
        )
    # Without values, which would be drawn from the global generator and thrown away.
    with torch.device("meta"):
        model = GeneformerModel(config)
    model = model.to_empty(device="cpu")
    fit_state(model, load_tensors(file), _RENAMES, _UNUSED)
    return model


def _numbers(argument: str, source: Dictionary, kind: type) -> dict[str, Any]:
    found = read_dictionary(argument, source)
    wrong = [
        name
        for name, value in found.items()
        if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, kind)
    ]
    if wrong:
        raise InputError(
            f"{argument}: the values of {list_some(wrong, 3)} are no {'whole ' if kind is Integral else ''}numbers by name. Pass "
            "the dictionary of the release."
        )
    return found
