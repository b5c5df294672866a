"""scPRINT as a lens: the counts of the panel and the depth of the cell, read by the frozen model, become its embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import torch

from scclamp._arguments import require_choice
from scclamp._errors import InputError, list_some
from scclamp.encoders._depth import counts_per_unit
from scclamp.encoders._frozen import Frozen, placed
from scclamp.encoders._identifiers import bare, map_ensembl
from scclamp.encoders._scprint_config import ScPRINTConfig
from scclamp.encoders._scprint_depth import require_depth
from scclamp.encoders._scprint_files import read_scprint
from scclamp.encoders._scprint_map import ScPRINTMap
from scclamp.encoders._scprint_model import ScPRINTModel
from scclamp.encoders._weights import fit_state

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from torch import Tensor

    from scclamp.encoders._genes import GeneMapping
    from scclamp.encoders._identifiers import Table

_TOKENS = ("mean", "base")
_SPARE = ("metacell", "depth")


class ScPRINT(Frozen[ScPRINTMap]):
    """The cell embedding of scPRINT (Kalfon et al., 2025), differentiable through the counts of the genes.

    A cell is a token of its depth, one of its own, one for each class that the model predicts, and one for every gene of the
    panel that the model knows: the gene, its expression, and its place in the genome where the model has that. The model reads
    raw counts. States are log-normalised, so their counts are those of a cell of library size `depth`; what is below zero
    counts as zero. Genes at zero are read too, by default, since a gene that came and went with the sequence would make the
    embedding jump where a state passes zero; `zeros=False` leaves them out.

    `depth` is the library size over the whole transcriptome. Where cells are encoded, their values tell it, and a depth that is
    the sum over the panel is refused.

    No released weights were at hand when this was written: it follows the published description and the names and shapes of
    the weights. What these leave open was read as follows, and a released embedding that differs would have its reason here.

    - The encoders of expression and of depth are Linear, LayerNorm, ReLU, Dropout, Linear, of which places 0, 1 and 4 have
      weights.
    - `normalization="sum"` divides by the sum over the genes that are read; `"log"` is log2(1 + count).
    - Rows of `class_encoder` are those of the cell and of the classes; for one row more the file does not say what the first
      is, so that `spare` must.
    - Rows of `pos_encoder.pe` are those of the genes, if there are as many, and are added to the gene; else `positions` says.
    - `Wqkv` holds queries, keys and values in this order, each split into heads; GELU is the exact one.
    - The embedding is the mean over all tokens before those of the genes, that of the depth among them.
    - Weights whose name begins with a word in "decoder" or "decoders" are heads. None is read, so there is no `reconstruct`.

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
    Take a released checkpoint, and screens prepared by `pp.recipe`, which keeps the library sizes::

        scprint = sc_c.encoders.ScPRINT.from_checkpoint(
            "medium.ckpt",
            adata.var_names,
            depth=adata.obs["n_counts_total"].median(),
            symbols=adata.var["gene_ids"],
        )
        sc_c.tl.fit(adata, encoder=scprint)
    """

    name = "scprint"
    input = "counts"

    @classmethod
    def from_checkpoint(
        cls,
        path: str | os.PathLike[str],
        genes: Sequence[str],
        *,
        depth: float,
        target_sum: float = 1e4,
        symbols: Table | None = None,
        positions: Mapping[str, int] | pd.Series | None = None,
        spare: Literal["metacell", "depth"] | None = None,
        tokens: Literal["mean", "base"] = "mean",
        zeros: bool = True,
        ignore: Sequence[str] = (),
        batch_size: int | None = 16,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> Self:
        """Read a Lightning file in the released layout.

        Parameters
        ----------
        path
            File with `state_dict` and `hyper_parameters`.
        genes
            The panel, in its order: Ensembl identifiers, with or without version, or symbols, which need `symbols`.
        depth
            Library size of a typical cell over the whole transcriptome, such as the median of ``obs["n_counts_total"]`` from
            `pp.recipe`. The sum over the panel is not it, and is refused.
        target_sum
            Sum to which expression was normalised before its logarithm.
        symbols
            Ensembl identifier by symbol: a mapping, a series such as ``adata.var["gene_ids"]``, or a csv or tsv file with these
            two columns.
        positions
            Row of `pos_encoder.pe` by Ensembl identifier, where the table has not one row for each gene.
        spare
            What the first row of the table of cell tokens is where it has one more than the cell and its classes: `"metacell"`,
            a token after that of the depth, or `"depth"`, a part of the latter.
        tokens
            Mean over all tokens of the cell, or `"base"`, that of the cell itself.
        zeros
            Whether genes at zero are read.
        ignore
            Beginnings of names of weights that may stay unread; heads stay so anyway.
        batch_size
            States encoded at a time; None for all.
        dtype, device
            Precision and place of the model.

        Raises
        ------
        InputError
            When weights and settings disagree or are of another kind, genes have no identifiers, or too few are known.
        StorageError
            When a file is missing or damaged, or could run code.
        """
        counts_per_unit(depth, target_sum)  # refuses what is no library size, before a large file is read
        require_choice("tokens", tokens, _TOKENS)
        if spare is not None:
            require_choice("spare", spare, _SPARE)
        tensors, settings = read_scprint(path, ignore)
        config = ScPRINTConfig.of(tensors, settings, spare)
        mapping = map_ensembl(genes, {name: token for token, name in enumerate(config.genes)}, symbols)
        model = ScPRINTModel(config)
        _require_use(model, tensors)
        fit_state(model, tensors)
        function = ScPRINTMap(
            model,
            mapping,
            _rows(config, mapping, positions),
            depth=float(depth),
            target_sum=float(target_sum),
            normalization=config.normalization,
            tokens=tokens,
            zeros=zeros,
        )
        return cls(placed(function, dtype, device), mapping, batch_size=batch_size)

    @property
    def gene_embeddings(self) -> np.ndarray:
        """What the model knows of each gene of the panel (genes, d) without its expression; NaN for unknown genes."""
        table = self.function.model.gene_encoder.embeddings.weight
        return self._over_panel(table[self.function.gene_tokens])

    def encode(self, x: Tensor) -> Tensor:
        """Encode states (..., genes) as (..., d)."""
        n, function = len(self.mapping.genes), self.function
        if x.shape[-1] == n and not x.requires_grad:
            require_depth(x.reshape(-1, n), function.depth, function.target_sum)
        return super().encode(x)


def _require_use(model: ScPRINTModel, tensors: Mapping[str, Tensor]) -> None:
    """Name the parts of a file that belong to nothing here, all of them, and how to leave them out."""
    needed = model.state_dict()
    parts = dict.fromkeys(".".join(name.split(".")[:2]) for name in tensors if name not in needed)
    if parts:
        raise InputError(
            f"checkpoint: it holds weights that belong to nothing in this model: {', '.join(map(repr, parts))}. Where no embedding "
            "needs them, name them in `ignore`; otherwise the checkpoint is of another kind."
        )


def _rows(
    config: ScPRINTConfig, mapping: GeneMapping, positions: Mapping[str, int] | pd.Series | None
) -> np.ndarray | None:
    """Row in the table of positions of each gene that is known."""
    n, tokens = config.n_positions, mapping.tokens[mapping.at]
    if positions is None:
        if n in (0, len(config.genes)):
            return tokens if n else None
        raise InputError(
            f"positions=None, but 'pos_encoder.pe' has {n} rows for {len(config.genes)} genes. Pass the row of each gene, by Ensembl "
            "identifier, from the table that the checkpoint was trained with."
        )
    if not n:
        raise InputError("positions was passed, but this checkpoint has no 'pos_encoder.pe'. Leave it out.")
    given = {bare(name): row for name, row in positions.items()}
    names = [config.genes[token] for token in tokens]
    if wrong := [name for name in names if not _is_row(given.get(name), n)]:
        raise InputError(
            f"positions has no row from 0 to {n - 1} for {list_some(wrong)}, which the panel needs. Add them, or leave these "
            "genes out of the panel."
        )
    return np.array([given[name] for name in names], dtype=np.int64)


def _is_row(value: object, n: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(0 <= value < n)
