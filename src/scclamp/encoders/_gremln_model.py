"""The network of GREmLN: genes beside their ranks, a post-norm transformer with diffused queries, a head for ranks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from scclamp._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from scclamp.encoders._gremln_graph import Diffusion

HEADS = 8
"""Attention heads of the released model; weights do not tell them."""
SPECIAL_RANKS = 3
"""Behind the ranks of expression: those of padding, of the mask and of the cell token."""


@dataclass(frozen=True)
class GREmLNSizes:
    """Sizes of a checkpoint, read from its weights.

    Parameters
    ----------
    n_tokens, n_ranks
        Size of the vocabulary and number of ranks, special ones included.
    d_gene, d_rank
        Widths of their embeddings, which stand side by side.
    d_hidden
        Width of the feed-forward layers.
    n_layers, n_heads
        Number of layers and of attention heads.
    """

    n_tokens: int
    n_ranks: int
    d_gene: int
    d_rank: int
    d_hidden: int
    n_layers: int
    n_heads: int = HEADS

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], n_heads: int = HEADS) -> Self:
        """Read the sizes of the weights of a checkpoint."""
        wanted = ("gene_embedding.weight", "rank_embedding.weight", "transformer_encoder.0.ff.0.weight")
        if missing := [name for name in wanted if name not in tensors or tensors[name].ndim != 2]:
            raise InputError(
                f"checkpoint: {', '.join(map(repr, missing))} is missing or no matrix, so the sizes of the model are not known. "
                "Check that the file holds GREmLN."
            )
        genes, ranks, hidden = (tensors[name].shape for name in wanted)
        layers = {m.group(1) for m in (re.match(r"transformer_encoder\.(\d+)\.", name) for name in tensors) if m}
        width = genes[1] + ranks[1]
        if width % n_heads:
            raise InputError(f"n_heads={n_heads!r} does not divide the width {width} of the model. The released has 8.")
        if ranks[0] < SPECIAL_RANKS + 3:
            raise InputError(
                f"checkpoint: 'rank_embedding.weight' has {ranks[0]} rows, too few for ranks. Check the file."
            )
        return cls(genes[0], ranks[0], genes[1], ranks[1], hidden[0], len(layers), n_heads)

    @property
    def n_bins(self) -> int:
        """Ranks of expression, zero included."""
        return self.n_ranks - SPECIAL_RANKS


class GREmLNModel(nn.Module):
    """Genes and ranks to hidden states, the cell token first; weights are named as in the released files."""

    def __init__(self, sizes: GREmLNSizes, *, head: bool = True) -> None:
        super().__init__()
        self.n_bins, d = sizes.n_bins, sizes.d_gene + sizes.d_rank
        self.gene_embedding = nn.Embedding(sizes.n_tokens, sizes.d_gene)
        self.rank_embedding = nn.Embedding(sizes.n_ranks, sizes.d_rank)
        self.transformer_encoder = nn.ModuleList(
            _Layer(d, sizes.d_hidden, sizes.n_heads) for _ in range(sizes.n_layers)
        )
        self.rank_prediction_head = _Head(d, sizes.n_ranks) if head else None

    def forward(
        self,
        tokens: Tensor,
        ranks: Tensor,
        present: Tensor,
        padding: Tensor | None = None,
        diffusion: Diffusion | None = None,
        masked: Tensor | None = None,
    ) -> Tensor:
        """Hidden states (cells, 1 + genes, d).

        Parameters
        ----------
        tokens
            Token of the cell, then of the genes (1 + genes,).
        ranks
            Ranks (cells, genes), whole or between two.
        present
            Genes that a cell holds (cells, genes); others are seen by none.
        padding
            Places of absent genes at which padding is seen (cells, genes).
        diffusion
            Kernel that the queries of genes pass through.
        masked
            Genes whose rank is hidden behind that of the mask (cells, genes), as in training.
        """
        x = torch.cat([self.gene_embedding(tokens).expand(len(ranks), -1, -1), self._ranks(ranks, masked)], -1)
        seen = present
        if padding is not None:
            pad = torch.cat([self.gene_embedding.weight[0], self.rank_embedding.weight[self.n_bins]])
            x = torch.cat([x[:, :1], torch.where(padding[..., None], pad, x[:, 1:])], 1)
            seen = present | padding
        mask = None if bool(seen.all()) else F.pad(seen, (1, 0), value=True)[:, None, None, :]
        for layer in self.transformer_encoder:
            x = layer(x, mask, present, diffusion)
        return x

    def _ranks(self, ranks: Tensor, masked: Tensor | None = None) -> Tensor:
        """Embeddings of the cell's rank and of those of genes: on lines between neighbours, or that of the mask."""
        low = ranks.detach().floor().clamp(0, self.n_bins - 2)
        share = (ranks - low)[..., None]
        below, above = self.rank_embedding(low.long()), self.rank_embedding(low.long() + 1)
        cell = self.rank_embedding.weight[-1].expand(len(ranks), 1, -1)
        genes = below * (1 - share) + above * share
        if masked is not None:
            genes = torch.where(masked[..., None], self.rank_embedding.weight[-2], genes)
        return torch.cat([cell, genes], 1)


class _Layer(nn.Module):
    """Attention and a feed-forward layer, each added and then normalised."""

    def __init__(self, d: int, d_hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.wqkv = _Projections(d)
        self.self_attention = _Output(d)
        self.ff = nn.Sequential(nn.Linear(d, d_hidden), nn.GELU(), nn.Linear(d_hidden, d))
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)

    def extra_repr(self) -> str:
        """What weights do not tell, for the fingerprint."""
        return f"heads={self.heads}"

    def forward(self, x: Tensor, mask: Tensor | None, present: Tensor, diffusion: Diffusion | None) -> Tensor:
        q, k, v = self.wqkv.Wqkv(x).chunk(3, -1)
        if diffusion is not None:
            q = torch.cat([q[:, :1], diffusion(q[:, 1:], present)], 1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (q, k, v))
        x = self.ln1(x + self.self_attention.out_proj(_attend(q, k, v, mask).transpose(1, 2).flatten(-2)))
        return self.ln2(x + self.ff(x))


class _Projections(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        self.Wqkv = nn.Linear(d, 3 * d)


class _Output(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        self.out_proj = nn.Linear(d, d)


class _Head(nn.Module):
    """Logits of ranks from hidden states."""

    def __init__(self, d: int, n_ranks: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(d, d), nn.LayerNorm(d), nn.GELU(), nn.Linear(d, n_ranks))

    def forward(self, hidden: Tensor) -> Tensor:
        return self.net(hidden)


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    try:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    except NotImplementedError:
        # The fused kernels know no forward-mode derivatives.
        with sdpa_kernel(SDPBackend.MATH):
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
