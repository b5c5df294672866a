"""Files of a GREmLN checkpoint: weights and vocabulary, and the Ensembl identifiers that lead from a panel to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scclamp._errors import InputError, StorageError, list_some
from scclamp.encoders._genes import panel_of
from scclamp.encoders._weights import load_tensors

if TYPE_CHECKING:
    import os

    import numpy as np
    from torch import Tensor

    type Names = Mapping[str, str] | Sequence[str] | pd.Series | np.ndarray

_WEIGHTS = (".ckpt", ".pt", ".pth", ".bin", ".safetensors")
_SPECIAL = {"<PAD>": 0, "<MASK>": 1}
_CELL = "<CLS>"
_VERSION = re.compile(r"^(ENS[A-Z]*\d+)\.\d+$")


@dataclass(frozen=True)
class Vocabulary:
    """Tokens of a checkpoint by name.

    Parameters
    ----------
    tokens
        Token of every gene and of `<PAD>` (0), `<MASK>` (1) and `<CLS>`.
    """

    tokens: Mapping[str, int]

    @property
    def cell(self) -> int:
        """Token of a cell."""
        return self.tokens[_CELL]

    def genes(self, n_tokens: int) -> dict[str, int]:
        """Tokens of genes, once it is certain that the vocabulary is that of weights for `n_tokens` tokens."""
        wrong = [name for name, token in _SPECIAL.items() if self.tokens.get(name) != token]
        wrong += [] if _CELL in self.tokens else [_CELL]
        if wrong:
            raise InputError(
                f"vocabulary: {list_some(wrong)} is missing or not where GREmLN has it (<PAD> is 0, <MASK> 1, <CLS> any). Check "
                "that it is the vocabulary of this model."
            )
        if len(self.tokens) != n_tokens or set(self.tokens.values()) != set(range(n_tokens)):
            raise InputError(
                f"vocabulary: its {len(self.tokens)} tokens, {min(self.tokens.values())} to {max(self.tokens.values())}, are "
                f"not 0 to {n_tokens - 1}, one for each row of 'gene_embedding.weight'. Take the vocabulary and the weights "
                "of one release."
            )
        return {name: token for name, token in self.tokens.items() if name not in {*_SPECIAL, _CELL}}


def read_release(
    path: str | os.PathLike[str], vocabulary: str | os.PathLike[str] | Mapping[str, int] | None
) -> tuple[dict[str, Tensor], Vocabulary]:
    """Weights and vocabulary of a checkpoint, each in the one file of a folder that can be it.

    Parameters
    ----------
    path
        File of weights, or their folder.
    vocabulary
        The vocabulary or its file; by default the `.csv` beside the weights.
    """
    given = Path(path).expanduser()
    weights = _only(given, _WEIGHTS, "weights", "Pass the file itself.") if given.is_dir() else given
    tensors = load_tensors(weights)
    if vocabulary is None:
        folder = given if given.is_dir() else given.parent
        vocabulary = _only(folder, (".csv",), "vocabulary", "Pass `vocabulary`.")
    tokens = vocabulary if isinstance(vocabulary, Mapping) else _read(Path(vocabulary))
    return tensors, Vocabulary(tokens)


def aliases_of(genes: Sequence[str], ensembl: Names | None) -> dict[str, str]:
    """Ensembl identifier by gene of the panel, without its version.

    Parameters
    ----------
    genes
        The panel.
    ensembl
        Identifiers in the order of the panel or by gene; without them the panel's own names.

    Examples
    --------
    >>> aliases_of(["GATA1", "KLF1"], ["ENSG00000102145.15", "ENSG00000105610"])
    {'GATA1': 'ENSG00000102145', 'KLF1': 'ENSG00000105610'}
    """
    names = list(panel_of(genes))
    if isinstance(ensembl, Mapping):
        pairs = {name: ensembl[name] for name in names if name in ensembl}
    elif ensembl is None:
        pairs = dict(zip(names, names, strict=True))
        if not any(name.startswith("ENS") for name in names):
            raise InputError(
                f"genes holds {list_some(names, 3)}, no Ensembl identifiers, but GREmLN knows genes by those. Pass `ensembl`, "
                'such as adata.var["gene_ids"].'
            )
    else:
        values = list(ensembl)
        if len(values) != len(names):
            raise InputError(
                f"ensembl has {len(values)} identifiers for {len(names)} genes. Pass one for each, or a dict."
            )
        pairs = dict(zip(names, values, strict=True))
    return {name: _VERSION.sub(r"\1", str(value)) for name, value in pairs.items() if not pd.isna(value)}


def _only(folder: Path, suffixes: tuple[str, ...], what: str, remedy: str) -> Path:
    found = sorted(file for file in folder.iterdir() if file.suffix in suffixes) if folder.is_dir() else []
    if len(found) != 1:
        names = list_some([file.name for file in found]) or "none"
        raise StorageError(
            f"path={str(folder)!r} holds not one file of {what} ({', '.join(suffixes)}) but {names}. {remedy}"
        )
    return found[0]


def _read(file: Path) -> dict[str, int]:
    try:
        table = pd.read_csv(file, skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise StorageError(f"vocabulary={str(file)!r} cannot be read: {error}. Pass the released table.") from error
    if not {"gene_name", "idx"} <= set(table.columns) or not pd.api.types.is_integer_dtype(table["idx"]):
        raise InputError(
            f"vocabulary={str(file)!r} has {list_some(table.columns)}, not `gene_name` and whole numbers in `idx`. Pass the "
            "table of the release."
        )
    return dict(zip(table["gene_name"].astype(str), table["idx"].tolist(), strict=True))
