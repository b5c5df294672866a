"""Geneformer as a lens: the genes of a cell in the order of their expression, read by the frozen model, become its embedding."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import torch

from scclamp._arguments import require_choice, require_whole
from scclamp._errors import InputError
from scclamp.encoders._frozen import Frozen, placed
from scclamp.encoders._geneformer_files import Vocabulary, read_model
from scclamp.encoders._geneformer_map import GeneformerMap
from scclamp.encoders._geneformer_ranks import require_temperature
from scclamp.encoders._identifiers import map_ensembl
from scclamp.encoders._pickles import read_dictionary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.encoders._geneformer_files import Dictionary
    from scclamp.encoders._geneformer_model import GeneformerConfig
    from scclamp.encoders._identifiers import Table

_EMBEDDINGS = ("cls", "mean")
_TABLES = {".csv", ".tsv", ".tab", ".txt", ".gz"}


class Geneformer(Frozen[GeneformerMap]):
    """The cell embedding of Geneformer (Theodoris et al., 2023), differentiable through the order of the genes.

    A cell is the sequence of the genes that it expresses, that of the highest expression first, once every gene is divided by its
    median over the cells of the pretraining. The order is all that the model sees, so neither the depth of a cell nor the sum to
    which it was normalised matter, as they are the same for all its genes; there is no `depth` to give. Attention asks for the
    place of a gene only through the embedding of that place: genes are kept in the order of the panel here, each with the
    embedding of its rank, which has a gradient.

    Only genes of the panel are read. In the sequences of the pretraining other genes stand between them, so use a panel that is as
    large as the model reads, or the places of its genes are those of a cell that expresses nothing else.

    The model was trained to name hidden genes. It has no head for expression, so there is no `reconstruct`.

    Written from the published description and layout of both versions, and compared on small random checkpoints with an independent
    implementation and with the BERT of transformers, and with the released dictionaries of the first version. The released
    weights themselves were not available and have never been loaded here: compare the embeddings of a few cells with published
    ones (`encoders.check(reference=...)`) before you rely on it.

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
    Take the folder of one released model, and the dictionaries of the same version::

        geneformer = sc_c.encoders.Geneformer.from_checkpoint(
            "Geneformer-V1-10M",
            adata.var_names,
            medians="gene_median_dictionary_gc30M.pkl",
            tokens="token_dictionary_gc30M.pkl",
            symbols="gene_name_id_dict_gc30M.pkl",
        )
        sc_c.tl.fit(adata, encoder=geneformer)
    """

    name = "geneformer"

    @classmethod
    def from_checkpoint(
        cls,
        folder: str | os.PathLike[str],
        genes: Sequence[str],
        *,
        medians: Dictionary,
        tokens: Dictionary,
        symbols: Table | None = None,
        n_tokens: int | None = None,
        layer: int = -2,
        embedding: Literal["cls", "mean"] | None = None,
        temperature: float = 0.0,
        zeros: bool = False,
        batch_size: int | None = 16,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> Self:
        """Read a model in the released layout; pickles are read without running code.

        Parameters
        ----------
        folder
            Folder with `config.json` and `model.safetensors` or `pytorch_model.bin`, or the latter file.
        genes
            The panel, in its order: Ensembl identifiers, with or without version, or symbols, which need `symbols`.
        medians, tokens
            Median and token of each gene by Ensembl identifier: dictionaries, or files of them, pickles as released or JSON.
        symbols
            Ensembl identifier by symbol: a mapping, a series such as ``adata.var["gene_ids"]``, a csv or tsv file with these two
            columns, or a pickle or JSON file of a dictionary, as released.
        n_tokens
            Longest sequence, special tokens included; by default as long as the model reads. Genes beyond it, those of lowest
            expression, are not read.
        layer
            Hidden states that are taken, of 0, the embeddings, to the number of layers, or from the end: the second to last by
            default, as in the public code.
        embedding
            `"cls"`, the state of the token `<cls>`, which models of the first version lack, or `"mean"`, the mean over the genes
            that are read; a state without any has 0. By default `"cls"` where there is one, as in the public code.
        temperature
            0 for exact ranks, with a gradient that tells what a step meets that is as wide as the levels of the cell are apart,
            and no steeper for genes below an expression of 0.01 than there; above it soft ranks, where genes pass each other
            smoothly within this distance of the logarithms of their scaled expression. Between whole ranks embeddings are on
            lines between neighbours.
        zeros
            Whether genes at zero are read too, at the middle of the places behind the others. They are not by default, as in
            all that the model has seen; a gene then leaves the end of the sequence when its state falls to zero, and has no
            gradient there.
        batch_size
            States encoded at a time; None for all.
        dtype, device
            Precision and place of the model.

        Raises
        ------
        InputError
            When weights, configuration and dictionaries disagree, genes have no identifiers, or too few are known.
        StorageError
            When a file is missing or damaged, or could run code.
        """
        require_temperature(temperature)
        model = read_model(folder)
        vocabulary = Vocabulary.of(tokens, medians, model.config.vocab_size)
        mapping = map_ensembl(genes, vocabulary.genes, _table(symbols))
        names = {token: name for name, token in vocabulary.genes.items()}
        function = GeneformerMap(
            model,
            mapping,
            [vocabulary.medians[names[int(token)]] for token in mapping.tokens[mapping.at]],
            vocabulary.special,
            n_tokens=_length(n_tokens, model.config, vocabulary.special),
            layer=_layer(layer, model.config),
            embedding=_embedding(embedding, vocabulary.special),
            temperature=temperature,
            zeros=zeros,
        )
        return cls(placed(function, dtype, device), mapping, batch_size=batch_size)

    @property
    def gene_embeddings(self) -> np.ndarray:
        """What the model knows of each gene of the panel (genes, d) without its place; NaN for unknown genes."""
        table = self.function.model.embeddings.word_embeddings.weight
        return self._over_panel(table[self.function.tokens])


def _table(symbols: Table | None) -> Table | None:
    """Read what is a file and no table of two columns."""
    if isinstance(symbols, str | os.PathLike) and not any(str(symbols).endswith(suffix) for suffix in _TABLES):
        return read_dictionary("symbols", symbols)
    return symbols


def _length(n_tokens: int | None, config: GeneformerConfig, special: tuple[int, ...]) -> int:
    longest = config.max_position_embeddings
    wanted = longest if n_tokens is None else require_whole("n_tokens", n_tokens)
    if not len(special) < wanted <= longest:
        raise InputError(
            f"n_tokens={n_tokens!r} must be {len(special) + 1} to {longest}: the model knows {longest} places, and "
            f"{len(special)} are for special tokens."
        )
    return wanted


def _layer(layer: int, config: GeneformerConfig) -> int:
    states = config.num_hidden_layers + 1
    if isinstance(layer, bool) or not isinstance(layer, int) or not -states <= layer < states:
        raise InputError(
            f"layer={layer!r} must be a whole number from {-states} to {states - 1}: there are {states - 1} layers and the "
            "embeddings before them. The second to last is -2."
        )
    return layer % states


def _embedding(embedding: str | None, special: tuple[int, ...]) -> Literal["cls", "mean"]:
    if embedding is None:
        return "cls" if special else "mean"
    require_choice("embedding", embedding, _EMBEDDINGS)
    if embedding == "cls" and not special:
        raise InputError("embedding='cls', but `tokens` has no '<cls>': it is of the first version. Use 'mean'.")
    return "cls" if embedding == "cls" else "mean"
