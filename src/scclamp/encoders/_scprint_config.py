"""What the settings and the shapes of a scPRINT checkpoint say of its model, once they agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from scclamp._errors import InputError, list_some
from scclamp.encoders._identifiers import bare

if TYPE_CHECKING:
    from torch import Tensor

type Spare = Literal["metacell", "depth"] | None

NEEDED = ("genes", "d_model", "nhead", "nlayers", "classes", "normalization")
"""Settings without which a model is not known."""
# Options that change what is computed and leave no trace in the weights; what is computed here.
_FIXED = {"depth_atinput": True, "activation": "gelu", "causal": False, "norm_first": True, "prenorm": True}
_GENES, _CELLS = "gene_encoder.embeddings.weight", "class_encoder.embeddings.weight"
_EXPRESSION, _DEPTH = "expr_encoder.encoder.0.weight", "depth_encoder.encoder.0.weight"
_HIDDEN, POSITIONS = "transformer.blocks.0.mlp.fc1.weight", "pos_encoder.pe"
_BLOCK = re.compile(r"^transformer\.blocks\.(\d+)\.")


@dataclass(frozen=True)
class ScPRINTConfig:
    """Genes and sizes of a checkpoint.

    Parameters
    ----------
    genes
        Ensembl identifiers without version, in the order of their tokens.
    d, n_heads, n_layers, d_hidden
        Width, attention heads, number of blocks, width of their feed-forward layers.
    d_expression, d_depth
        Widths inside the encoders of expression and of depth.
    n_classes
        Tokens of a cell besides those of the depth, the cell itself, and a spare one.
    normalization
        `"log"`, log2(1 + count), or `"sum"`, shares of the cell's counts.
    spare
        What the first row of the table of cell tokens is where it has one more than the cell and its classes.
    n_positions
        Rows of the table of positions; 0 without one.
    """

    genes: tuple[str, ...]
    d: int
    n_heads: int
    n_layers: int
    d_hidden: int
    d_expression: int
    d_depth: int
    n_classes: int
    normalization: str
    spare: Spare = None
    n_positions: int = 0

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any], spare: Spare = None) -> Self:
        """Read sizes off the weights, and refuse settings that contradict them or are not those of the model built here.

        Parameters
        ----------
        tensors
            Weights by their names here.
        settings
            `hyper_parameters` of the file.
        spare
            See above; the file does not say.
        """
        _require_matrices(tensors)
        _require_settings(settings)
        genes, classes = tuple(map(bare, settings["genes"])), len(settings["classes"])
        (n_rows, d), blocks = tensors[_GENES].shape, len({m.group(1) for m in map(_BLOCK.match, tensors) if m})
        agree = {
            f"d_model={settings['d_model']!r}, but {_GENES!r} is {d} wide": settings["d_model"] == d,
            f"nhead={settings['nhead']!r} does not divide {d}": d % settings["nhead"] == 0,
            f"nlayers={settings['nlayers']!r}, but there are {blocks} blocks": settings["nlayers"] == blocks,
            f"{len(genes)} genes, but {_GENES!r} has {n_rows} rows": len(genes) == n_rows,
        }
        wrong = [what for what, right in agree.items() if not right]
        wrong += _wrong_rows(tensors[_CELLS].shape[0], classes, spare)
        if wrong:
            raise InputError(
                f"checkpoint: its `hyper_parameters` and weights disagree: {'; '.join(wrong)}. Check that they are of one model."
            )
        return cls(
            genes=genes,
            d=d,
            n_heads=int(settings["nhead"]),
            n_layers=blocks,
            d_hidden=tensors[_HIDDEN].shape[0],
            d_expression=tensors[_EXPRESSION].shape[0],
            d_depth=tensors[_DEPTH].shape[0],
            n_classes=classes,
            normalization=settings["normalization"],
            spare=spare,
            n_positions=tensors[POSITIONS].shape[0] if POSITIONS in tensors else 0,
        )


def _require_matrices(tensors: Mapping[str, Tensor]) -> None:
    wanted = (_GENES, _CELLS, _EXPRESSION, _DEPTH, _HIDDEN, *([POSITIONS] if POSITIONS in tensors else []))
    if missing := [name for name in wanted if name not in tensors or tensors[name].ndim != 2]:
        raise InputError(
            f"checkpoint: {list_some(missing)} {'is' if len(missing) == 1 else 'are'} missing or no matrix, so that the sizes of "
            "the model are not known. Check that the file holds scPRINT."
        )


def _require_settings(settings: Mapping[str, Any]) -> None:
    wrong = [f"{name} is missing" for name in NEEDED if name not in settings]
    wrong += [
        f"{name}={settings[name]!r} is no positive whole number"
        for name in ("d_model", "nhead", "nlayers")
        if name in settings and not _whole(settings[name])
    ]
    if settings.get("normalization", "sum") not in ("sum", "log"):
        wrong.append(f"normalization={settings['normalization']!r} is not known, only 'sum' and 'log'")
    if "genes" in settings and not isinstance(settings["genes"], Sequence | np.ndarray):
        wrong.append(f"genes is a {type(settings['genes']).__name__}, not a list")
    elif twice := [name for name, n in Counter(map(bare, settings.get("genes", ()))).items() if n > 1]:
        wrong.append(f"genes holds {list_some(twice, 3)} more than once")
    if "classes" in settings and not isinstance(settings["classes"], Collection):
        wrong.append(f"classes={settings['classes']!r} is no list of names")
    wrong += [
        f"{name}={settings[name]!r} is not known, only {known!r}"
        for name, known in _FIXED.items()
        if name in settings and settings[name] != known
    ]
    if wrong:
        raise InputError(
            f"checkpoint: its `hyper_parameters` are not those of a model that can be rebuilt here: {'; '.join(wrong)}. Use a "
            "checkpoint of the released kind."
        )


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)


def _wrong_rows(rows: int, classes: int, spare: Spare) -> list[str]:
    """What is wrong with the number of rows of cell tokens."""
    needed = 1 + classes + (spare is not None)
    if rows == needed:
        return []
    said = f"{classes} classes and the cell itself, but {_CELLS!r} has {rows} rows"
    if spare is not None:
        return [f"{said}, not the {needed} of spare={spare!r}"]
    if rows == needed + 1:
        return [
            f"{said}: say what the first is, spare='metacell' for a token of its own or spare='depth' for a part of the depth's"
        ]
    return [said]
