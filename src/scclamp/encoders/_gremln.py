"""GREmLN as a lens: the ranks of a cell's genes, read by the frozen model along a gene network, become its embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import torch

from scclamp._arguments import require_choice, require_whole
from scclamp._errors import InputError
from scclamp.encoders._frozen import Frozen, placed
from scclamp.encoders._genes import GeneMapping, map_genes
from scclamp.encoders._gremln_files import aliases_of, read_release
from scclamp.encoders._gremln_graph import Diffusion, read_network
from scclamp.encoders._gremln_map import GREmLNMap
from scclamp.encoders._gremln_model import HEADS, GREmLNModel, GREmLNSizes
from scclamp.encoders._weights import fit_state
from scclamp.encoders._wrap import Wrapped

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from torch import Tensor

    from scclamp.encoders._gremln_files import Names

_EMBEDDINGS = ("mean", "cls", "mean_cls")


class GREmLN(Frozen[GREmLNMap]):
    """The cell embedding of GREmLN, differentiable through the ranks of the genes.

    A cell is a cell token and one token for every gene that the model knows: the embedding of the gene beside that of its rank,
    which is 0 without expression and otherwise 1 to 99 by the quantiles of the cell. With a `network` the queries of genes pass
    through the heat kernel of the network among the genes of the cell, ``exp(-beta L)``; without one attention is plain.

    The released weights were trained with an implementation whose kernel is not quite that of the paper: its constant term is
    twice as large, so its queries are nearly twice as long. `parity=True` does the same, and is what reproduces released
    embeddings; the default is the paper's kernel, whose embeddings do not depend on the other cells of a batch.

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
    Take the folder of a released checkpoint, and a network of the cells::

        gremln = sc_c.encoders.GREmLN.from_checkpoint(
            "gremln", adata.var_names, ensembl=adata.var["gene_ids"], network=network
        )
        sc_c.tl.fit(adata, encoder=gremln)
    """

    name = "gremln"

    @classmethod
    def from_checkpoint(
        cls,
        path: str | os.PathLike[str],
        genes: Sequence[str],
        *,
        vocabulary: str | os.PathLike[str] | Mapping[str, int] | None = None,
        ensembl: Names | None = None,
        network: pd.DataFrame | None = None,
        signed: bool = False,
        beta: float = 0.1,
        order: int | None = None,
        parity: bool = False,
        embedding: Literal["mean", "cls", "mean_cls"] = "mean",
        temperature: float = 0.0,
        zeros: bool | None = None,
        target_sum: float = 1e4,
        n_heads: int = HEADS,
        batch_size: int | None = 64,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> Self:
        """Read a checkpoint in the released layout; sizes are those of its weights.

        Parameters
        ----------
        path
            File of weights, or a folder with one, and with the vocabulary as its only `.csv`.
        genes
            The panel, in its order: Ensembl identifiers, with or without version, or names that `ensembl` translates.
        vocabulary
            Table with `gene_name` and `idx`, or a dict from names to tokens, where the folder does not hold it.
        ensembl
            Ensembl identifier of every gene, in the order of `genes`, or by gene.
        network
            Edges between genes: a table with `source`, `target` and perhaps `weight`, named as `genes` or by identifiers.
        signed
            Whether negative weights of the network are negative; otherwise they count by their size.
        beta
            Time of diffusion.
        order
            Terms of the kernel's Chebyshev sum; by default as many as leave less than 1e-10 behind, and 64 with `parity`.
        parity
            Repeat the public code: the constant term of the kernel is not halved; edges have direction, no weight and the
            degrees of outgoing edges alone, so that list both directions; only genes of the network are read, at most 2048;
            shorter cells of a batch attend to padding, so that embeddings depend on the batch; means leave out the last gene.
        embedding
            Mean over the genes that are read, as in the paper; `"cls"`, the cell token, which was never trained by itself; or
            `"mean_cls"`, the mean over both, as in the public code.
        temperature
            0 for exact ranks, with the slope of their staircase as gradient; above it soft ranks, each quantile as wide as
            this many mean ranks. Between whole ranks embeddings are on lines between neighbours.
        zeros
            Whether genes at zero are read. By default they are, since a gene that came and went with the sequence would make
            the embedding jump where a state passes zero; with `parity` they are not, as in the public code.
        target_sum
            Sum to which the panel's expression was normalised before its logarithm.
        n_heads
            Attention heads, which weights do not tell.
        batch_size
            States encoded at a time; None for all.
        dtype, device
            Precision and place of the model.

        Raises
        ------
        InputError
            When weights, sizes and vocabulary disagree, too few genes are known, or the network joins none of them.
        StorageError
            When a file is missing or damaged.
        """
        require_choice("embedding", embedding, _EMBEDDINGS)
        _check(parity, network, temperature, target_sum)
        tensors, tokens = read_release(path, vocabulary)
        sizes = GREmLNSizes.of(tensors, require_whole("n_heads", n_heads))
        entries = tokens.genes(sizes.n_tokens)
        aliases = aliases_of(genes, ensembl)
        mapping = map_genes(genes, entries, aliases)
        model = GREmLNModel(sizes, head=any(name.startswith("rank_prediction_head.") for name in tensors))
        fit_state(model, tensors)
        diffusion = None
        if network is not None:
            edges = read_network(network, _places(mapping, entries), signed=signed)
            diffusion = Diffusion(*edges, len(mapping.at), beta=beta, order=order, parity=parity)
        settings = {
            "embedding": embedding,
            "temperature": temperature,
            "target_sum": float(target_sum),
            "parity": parity,
        }
        zeros = not parity if zeros is None else zeros
        function = GREmLNMap(model, mapping, diffusion, cell=tokens.cell, zeros=zeros, **settings)  # type: ignore[arg-type]
        return cls(placed(function, dtype, device), mapping, batch_size=batch_size)

    @property
    def gene_embeddings(self) -> np.ndarray:
        """What the model knows of each gene of the panel (genes, d) without its rank; NaN for unknown genes."""
        table = self.function.model.gene_embedding.weight
        return self._over_panel(table[self.function.tokens[1:]])

    def reconstruct(
        self, x: Tensor, *, space: Literal["rank", "expression"] = "rank", hidden: Tensor | None = None
    ) -> Tensor:
        """Return what the model reads of every gene (..., genes) from the whole cell; NaN for genes that were not read.

        Parameters
        ----------
        x
            States.
        space
            `"rank"`, the mean of the ranks 0 to 99 that the model expects, special ones left out. `"expression"`, that rank
            as a quantile of the cell, in the space of `x`: only the order of genes is the model's, their distribution is that
            of the cell itself, so that the levels of a cell prove nothing.
        hidden
            Genes whose ranks the model does not see (genes,), as those that it learned to fill in; none by default.
        """
        require_choice("space", space, ("rank", "expression"))
        return self._in_batches(lambda part: self.function.reconstruct(part, space=space, hidden=hidden), x)

    def fingerprint(self) -> str:
        """Digest of weights, genes, network and settings; with `parity` of the batch size too."""
        name = f"{self.name} {self.batch_size}" if self.function.parity else self.name
        return Wrapped(self.function, name=name).fingerprint()

    def _in_batches(self, function: Callable[[Tensor], Tensor], x: Tensor, *, grow: bool = True) -> Tensor:
        # With `parity` an answer depends on the other states of its batch.
        return super()._in_batches(function, x, grow=grow and not self.function.parity)


def _places(mapping: GeneMapping, entries: Mapping[str, int]) -> dict[str, int]:
    """Place among the genes that are read, by the name in the panel and by that in the vocabulary."""
    names = {token: name for name, token in entries.items()}
    found = {names[int(mapping.tokens[at])]: place for place, at in enumerate(mapping.at)}
    return found | {mapping.genes[at]: place for place, at in enumerate(mapping.at)}


def _check(parity: bool, network: pd.DataFrame | None, temperature: float, target_sum: float) -> None:
    if parity and network is None:
        raise InputError("parity=True needs `network`: the public code has no attention without one. Pass its edges.")
    if not 0 <= temperature < float("inf"):
        raise InputError(f"temperature={temperature!r} must be a number that is not negative. Use 0 for exact ranks.")
    if not 0 < target_sum < float("inf"):
        raise InputError(f"target_sum={target_sum!r} must be a positive number, such as 1e4.")
