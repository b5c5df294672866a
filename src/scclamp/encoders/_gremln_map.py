"""From states of a panel to what GREmLN makes of them: ranks, the model, and a mean or the cell token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional as F

from scclamp._errors import InputError
from scclamp.encoders._gremln_ranks import ranks, values_of

if TYPE_CHECKING:
    from torch import Tensor

    from scclamp.encoders._genes import GeneMapping
    from scclamp.encoders._gremln_graph import Diffusion
    from scclamp.encoders._gremln_model import GREmLNModel

CPM = 1e6
"""Sum to which the model's own input is normalised."""
RELEASED_LENGTH = 2048
"""Genes of a cell that the public code reads at most."""


class GREmLNMap(nn.Module):
    """Frozen map from states (cells, genes) to embeddings (cells, d); see `GREmLN` for what the settings mean."""

    tokens: Tensor
    at: Tensor
    in_network: Tensor

    def __init__(
        self,
        model: GREmLNModel,
        mapping: GeneMapping,
        diffusion: Diffusion | None = None,
        *,
        cell: int,
        embedding: Literal["mean", "cls", "mean_cls"],
        temperature: float,
        zeros: bool,
        target_sum: float,
        parity: bool,
    ) -> None:
        super().__init__()
        self.model, self.diffusion, self.n_genes = model, diffusion, len(mapping.genes)
        self.embedding, self.temperature, self.zeros = embedding, temperature, zeros
        self.target_sum, self.parity = target_sum, parity
        at = torch.as_tensor(mapping.at)
        self.register_buffer("at", at)
        self.register_buffer("tokens", torch.cat([torch.tensor([cell]), torch.as_tensor(mapping.tokens)[at]]))
        in_network = torch.ones(len(at), dtype=torch.bool)
        if parity and diffusion is not None:
            in_network[:] = False
            in_network[diffusion.edges.flatten()] = True
        self.register_buffer("in_network", in_network)

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings of states."""
        hidden, present, _ = self._hidden(x)
        if self.embedding == "cls":
            return hidden[:, 0]
        counted = F.pad(present, (1, 0), value=True)
        if self.parity:
            # The public code counts one place less than there are, so that the last gene is left out.
            counted = counted & (counted.cumsum(-1) < counted.sum(-1, keepdim=True))
        if self.embedding == "mean":
            counted = counted & (torch.arange(counted.shape[-1], device=x.device) > 0)
        share = counted.to(x.dtype)
        return (share[..., None] * hidden).sum(1) / share.sum(-1, keepdim=True).clamp(min=1)

    def reconstruct(
        self, x: Tensor, *, space: Literal["rank", "expression"] = "rank", hidden: Tensor | None = None
    ) -> Tensor:
        """Ranks that the head of the model expects, or the expression they stand for; NaN for genes that are not read."""
        if self.model.rank_prediction_head is None:
            raise InputError(
                "reconstruct: the checkpoint of encoder='gremln' holds no head ('rank_prediction_head.net.0.weight' and so on). "
                "Take one that does; encode needs none."
            )
        states, present, cpm = self._hidden(x, hidden)
        n_bins = self.model.n_bins
        chances = self.model.rank_prediction_head(states[:, 1:])[..., :n_bins].softmax(-1)
        found = chances @ torch.arange(n_bins, dtype=x.dtype, device=x.device)
        if space == "expression":
            found = (values_of(found, cpm, n_bins).expm1() * (self.target_sum / CPM)).log1p()
        found = torch.where(present, found, torch.nan)
        return x.new_full((len(x), self.n_genes), torch.nan).index_copy(-1, self.at, found)

    def extra_repr(self) -> str:
        """Settings that decide the output."""
        names = ("embedding", "temperature", "zeros", "target_sum", "parity")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)

    def _hidden(self, x: Tensor, hidden: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden states (cells, 1 + genes, d), the genes that were read, and the model's own normalisation of them."""
        read = x[:, self.at]
        known = torch.where(read < 0, 0, read)  # unlike clamp, with a slope at zero, where most cells are
        cpm = (known.expm1() * (CPM / self.target_sum)).log1p()
        rank = ranks(cpm, self.model.n_bins, temperature=self.temperature)
        present = self.in_network & ((known > 0) | self.zeros)
        padding = None
        if self.parity:
            present = _longest(rank, present, RELEASED_LENGTH)
            n_read = present.sum(-1, keepdim=True)
            padding = ~present & ((~present).cumsum(-1) <= n_read.max() - n_read)
        masked = None if hidden is None else hidden.to(self.at.device)[self.at].expand(rank.shape)
        return self.model(self.tokens, rank, present, padding, self.diffusion, masked), present, cpm


def _longest(rank: Tensor, present: Tensor, n: int) -> Tensor:
    """Of the genes that are present the n of highest rank, those of equal rank by their order."""
    if rank.shape[-1] <= n:
        return present
    order = torch.where(present, rank.detach(), -1.0).argsort(dim=-1, descending=True, stable=True)
    return present & torch.zeros_like(present).scatter(-1, order[..., :n], value=True)
