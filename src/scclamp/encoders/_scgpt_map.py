"""States of a panel read by scGPT: bins of its genes beside the token of the cell, and what the model makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from scclamp._errors import InputError
from scclamp.encoders._binning import quantile_bins, require_binnable

if TYPE_CHECKING:
    from torch import Tensor

    from scclamp.encoders._genes import GeneMapping
    from scclamp.encoders._scgpt_model import ScGPTConfig, ScGPTModel


class ScGPTMap(nn.Module):
    """States of the panel (cells, genes) to embeddings: bins, the model, and the hidden state of the cell token."""

    cell: Tensor
    tokens: Tensor
    at: Tensor
    pad: Tensor

    def __init__(
        self,
        model: ScGPTModel,
        config: ScGPTConfig,
        mapping: GeneMapping,
        *,
        cell: int,
        temperature: float,
        zeros: bool,
        normalise: bool,
    ) -> None:
        super().__init__()
        require_binnable(config.n_bins, temperature)
        self.model, self.n_bins, self.n_genes = model, config.n_bins, len(mapping.genes)
        self.temperature, self.zeros, self.normalise = temperature, zeros, normalise
        at = torch.as_tensor(mapping.at)
        self.register_buffer("cell", torch.tensor([cell]))
        self.register_buffer("tokens", torch.as_tensor(mapping.tokens)[at])
        self.register_buffer("at", at)
        self.register_buffer("pad", torch.tensor(float(config.pad_value)))
        self.mask_value = float(config.mask_value)

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings (cells, embsize) of states (cells, genes)."""
        cell = self._hidden(x)[0][:, 0]
        return nn.functional.normalize(cell, dim=-1) if self.normalise else cell

    def reconstruct(self, x: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Expression in bins (cells, genes) by the head of the model; NaN where a gene was not read."""
        if self.model.decoder is None:
            raise InputError(
                "reconstruct: the checkpoint of encoder='scgpt' holds no expression head ('decoder.fc.0.weight' and so on). Take "
                "one that does; encode needs none."
            )
        states, present = self._hidden(x, hidden)
        bins = self.model.decoder(states[:, 1:])
        if present is not None:
            bins = torch.where(present[:, 1:], bins, torch.nan)
        return x.new_full((len(x), self.n_genes), torch.nan).index_copy(-1, self.at, bins)

    def extra_repr(self) -> str:
        """Settings that decide the output."""
        return f"n_bins={self.n_bins}, temperature={self.temperature}, zeros={self.zeros}, normalise={self.normalise}"

    def _hidden(self, x: Tensor, hidden: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        known = x[:, self.at]
        bins = quantile_bins(known, self.n_bins, temperature=self.temperature)
        if hidden is not None:
            bins = torch.where(hidden.to(self.at.device)[self.at], self.mask_value, bins)
        values = torch.cat([self.pad.expand(len(x), 1), bins], -1)
        present = None if self.zeros else nn.functional.pad(known > 0, (1, 0), value=True)
        return self.model(torch.cat([self.cell, self.tokens]), values, present), present
