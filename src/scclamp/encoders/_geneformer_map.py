"""From states of a panel to what Geneformer makes of them: places in the sequence of a cell, the model, and a mean or `<cls>`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional as F

from scclamp.encoders._geneformer_ranks import embed, places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from scclamp.encoders._geneformer_model import GeneformerModel
    from scclamp.encoders._geneformer_ranks import Places
    from scclamp.encoders._genes import GeneMapping

STEEPEST = 100.0
"""Most units of the logarithm of expression per unit of log-normalised expression that a gradient of exact ranks may tell.

Steps below 0.01 are within the error of a mean, and a gene that is all but silent would drown all others.
"""


class GeneformerMap(nn.Module):
    """Frozen map from states (cells, genes) to embeddings (cells, d); see `Geneformer` for what the settings mean."""

    at: Tensor
    tokens: Tensor
    scale: Tensor
    special: Tensor

    def __init__(
        self,
        model: GeneformerModel,
        mapping: GeneMapping,
        medians: Sequence[float],
        special: tuple[int, ...],
        *,
        n_tokens: int,
        layer: int,
        embedding: Literal["cls", "mean"],
        temperature: float,
        zeros: bool,
    ) -> None:
        super().__init__()
        self.model, self.n_genes = model, len(mapping.genes)
        self.n_tokens, self.layer, self.embedding = n_tokens, layer, embedding
        self.temperature, self.zeros = temperature, zeros
        at = torch.as_tensor(mapping.at)
        self.register_buffer("at", at)
        self.register_buffer("tokens", torch.as_tensor(mapping.tokens)[at])
        self.register_buffer("scale", torch.tensor(medians, dtype=torch.float64).log())
        self.register_buffer("special", torch.tensor(special, dtype=torch.long))

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings of states."""
        tokens, at, present = self._sequence(x)
        table = self.model.embeddings.position_embeddings.weight
        if len(self.special):
            n = present.sum(-1)
            ends = table[torch.stack([torch.zeros_like(n), n + 1], -1)]
            embedded = torch.cat([ends, embed(table, at.each(lambda part: part + 1))], 1)
            tokens = torch.cat([self.special.expand(len(x), -1), tokens], -1)
            seen = F.pad(present, (2, 0), value=True)
        else:
            embedded = embed(table, at)
            # A cell without genes has no sequence: its mean below is 0, whatever its genes see here.
            seen = present | ~present.any(-1, keepdim=True)
        hidden = self.model(tokens, embedded, seen, n_layers=self.layer)
        if self.embedding == "cls":
            return hidden[:, 0]
        share = present.to(x.dtype)
        total = (share[..., None] * hidden[:, len(self.special) :]).sum(1)
        return total / share.sum(-1, keepdim=True).clamp(min=1)

    def extra_repr(self) -> str:
        """Settings that decide the output."""
        names = ("n_tokens", "layer", "embedding", "temperature", "zeros")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)

    def _sequence(self, x: Tensor) -> tuple[Tensor, Places, Tensor]:
        """Tokens, places and presence (cells, genes) of the genes that are read: those of highest rank, in the panel's order."""
        known = x[:, self.at]
        positive = known > 0
        value = torch.where(positive, known, 1.0).expm1().clamp(min=torch.finfo(x.dtype).tiny)
        level = value.log() - self.scale.to(x)
        if self.temperature == 0:
            slope = (1 / -(-known.detach()).expm1()).clamp(0, STEEPEST)
            level = level.detach() + slope * (known - known.detach())
        found = places(level, positive, temperature=self.temperature)
        tokens, present = self.tokens.expand(len(x), -1), positive
        if self.zeros:
            found, present = _with_zeros(found, positive), torch.ones_like(positive)
        room = self.n_tokens - len(self.special)
        if len(self.tokens) > room:
            key = torch.where(positive, level.detach(), -torch.inf)
            kept = key.argsort(dim=-1, descending=True, stable=True)[:, :room].sort(-1).values
            tokens, present = tokens.gather(-1, kept), present.gather(-1, kept)
            found = found.each(lambda part: part.gather(-1, kept).clamp(max=room - 1))
        return tokens, found, present


def _with_zeros(found: Places, positive: Tensor) -> Places:
    """Let genes at zero share the middle of the places behind all others."""
    n = positive.sum(-1, keepdim=True)
    middle = n + (positive.shape[-1] - n - 1) / 2
    return found.each(lambda part: torch.where(positive, part, middle.to(part)))
