"""scGPT as a lens: the states of the panel, binned and read by the frozen model, become its cell embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from scclamp._errors import InputError
from scclamp.encoders._frozen import Frozen, placed
from scclamp.encoders._genes import map_genes
from scclamp.encoders._released import checkpoint_folder
from scclamp.encoders._scgpt_map import ScGPTMap
from scclamp.encoders._scgpt_model import ScGPTConfig, ScGPTModel
from scclamp.encoders._weights import fit_state, load_tensors, read_json

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

_CELL = "<cls>"
_SPECIAL = ("<pad>", _CELL, "<eoc>")
_RENAMES = {r"\.self_attn\.Wqkv\.(weight|bias)$": r".self_attn.in_proj_\1"}
# Heads and flags of the pretraining; no part of an embedding or of the expression head.
_UNUSED = ("flag_encoder.", "cls_decoder.", "mvc_decoder.")


class ScGPT(Frozen[ScGPTMap]):
    """The cell embedding of scGPT (Cui et al., 2024), differentiable through the values of the genes.

    Each cell is the token `<cls>` and one token for every gene of the panel that the model knows, with the quantile bin of its
    expression among the genes of the cell that are not zero. Bins are ranks, so log-normalised expression is as good as counts.
    Genes at zero are read too, by default: a fit compares smooth states with cells, and a gene that came and went with the
    sequence would make the embedding jump where the state passes zero. `zeros=False` leaves them out, as scGPT does itself.

    Make it with :meth:`from_checkpoint`.

    Parameters
    ----------
    function
        The map from states of the panel to embeddings, as a frozen module.
    mapping
        Genes of the panel that the model knows.
    batch_size
        States encoded at a time. Gradients are found by encoding each batch once more, so that memory does not grow with the
        number of states; None keeps everything.

    Examples
    --------
    Take the folder of a released checkpoint, such as the one for whole human cells::

        scgpt = sc_c.encoders.ScGPT.from_checkpoint("scGPT_human", adata.var_names)
        sc_c.tl.fit(adata, encoder=scgpt)
    """

    name = "scgpt"

    @classmethod
    def from_checkpoint(
        cls,
        path: str | os.PathLike[str],
        genes: Sequence[str],
        *,
        temperature: float = 0.0,
        zeros: bool = True,
        normalise: bool = True,
        aliases: Mapping[str, str] | None = None,
        batch_size: int | None = 16,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> Self:
        """Read a checkpoint in the released layout, with continuous values.

        Parameters
        ----------
        path
            Folder with `args.json`, `vocab.json` and `best_model.pt`, or the latter file under any name.
        genes
            The panel, in its order; symbols.
        temperature
            0 for exact bins, with the slope of their staircase as gradient; above it soft bins, each edge as wide as this many
            mean bins.
        zeros
            Whether genes at zero are read.
        normalise
            Whether embeddings have length 1.
        aliases
            Symbol in the vocabulary by gene of the panel, where you know better.
        batch_size
            States encoded at a time; None for all.
        dtype, device
            Precision and place of the model.

        Raises
        ------
        InputError
            When values are categories, weights and sizes disagree, or too few genes are known.
        StorageError
            When a file is missing or damaged.
        """
        folder, weights = checkpoint_folder(path, "best_model.pt")
        config = ScGPTConfig.of(_mapping(folder / "args.json"))
        entries = _mapping(folder / "vocab.json")
        vocabulary = _with_special(entries, config.pad_token)
        symbols = {name: token for name, token in vocabulary.items() if name not in {*_SPECIAL, config.pad_token}}
        mapping = map_genes(genes, symbols, aliases)
        tensors = load_tensors(weights)
        _require_rows(tensors, entries, vocabulary)
        model = ScGPTModel(config, len(vocabulary), head=any(name.startswith("decoder.") for name in tensors))
        fit_state(model, tensors, _RENAMES, _UNUSED)
        function = ScGPTMap(
            model, config, mapping, cell=vocabulary[_CELL], temperature=temperature, zeros=zeros, normalise=normalise
        )
        return cls(placed(function, dtype, device), mapping, batch_size=batch_size)

    @property
    def gene_embeddings(self) -> np.ndarray:
        """What the model knows of each gene of the panel (genes, embsize) without its value; NaN for unknown genes."""
        with torch.no_grad():
            known = self.function.model.encoder(self.function.tokens)
        return self._over_panel(known)

    def reconstruct(self, x: Tensor, *, hidden: Tensor | None = None) -> Tensor:
        """Return expression (..., genes) in bins as the model reads it from the cell; NaN for genes that were not read.

        Parameters
        ----------
        x
            States.
        hidden
            Genes whose values the model does not see (genes,), as those that it learned to fill in; none by default.
        """
        return self._in_batches(lambda part: self.function.reconstruct(part, hidden), x)


def _mapping(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(
            f"checkpoint: {path.name} holds a {type(content).__name__}, not names and values. Check the file."
        )
    return content


def _with_special(vocabulary: dict[str, Any], pad_token: str) -> dict[str, int]:
    """Append the special tokens where a vocabulary of genes alone lacks them, in the order in which scGPT does."""
    vocabulary = dict(vocabulary)
    for token in dict.fromkeys((pad_token, *_SPECIAL[1:])):
        vocabulary.setdefault(token, len(vocabulary))
    tokens = vocabulary.values()
    if not all(isinstance(token, int) for token in tokens) or set(tokens) != set(range(len(vocabulary))):
        raise InputError("checkpoint: the tokens of vocab.json are not 0, 1, 2, ... without gaps. Download it anew.")
    return vocabulary


def _require_rows(tensors: Mapping[str, Tensor], entries: Mapping[str, Any], vocabulary: Mapping[str, int]) -> None:
    """Refuse weights of another vocabulary, and say what was appended to this one."""
    table = tensors.get("encoder.embedding.weight")
    if table is None or len(table) == len(vocabulary):
        return
    appended = [token for token in vocabulary if token not in entries]
    said = f" and, since it lacks them, {', '.join(appended)} appended" if appended else ""
    raise InputError(
        f"checkpoint: vocab.json holds {len(entries)} entries{said}, but 'encoder.embedding.weight' has {len(table)} rows, one for "
        "each token. Take the vocab.json and the weights of one release; special tokens must be those that it was trained with."
    )
