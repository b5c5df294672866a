"""From states of a panel to what scPRINT makes of them: counts, the model, and the tokens of the cell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from scclamp.encoders._depth import counts_per_unit

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from scclamp.encoders._genes import GeneMapping
    from scclamp.encoders._scprint_model import ScPRINTModel


class ScPRINTMap(nn.Module):
    """Frozen map from states (cells, genes) to embeddings (cells, d); see `ScPRINT` for what the settings mean."""

    at: Tensor
    gene_tokens: Tensor
    library: Tensor
    positions: Tensor | None

    def __init__(
        self,
        model: ScPRINTModel,
        mapping: GeneMapping,
        positions: np.ndarray | None = None,
        *,
        depth: float,
        target_sum: float,
        normalization: str,
        tokens: Literal["mean", "base"],
        zeros: bool,
    ) -> None:
        super().__init__()
        self.model, self.depth, self.target_sum = model, depth, target_sum
        self.normalization, self.tokens, self.zeros = normalization, tokens, zeros
        self.register_buffer("at", torch.as_tensor(mapping.at))
        self.register_buffer("gene_tokens", torch.as_tensor(mapping.tokens[mapping.at]))
        self.register_buffer("library", torch.tensor(math.log2(1 + depth), dtype=torch.float64))
        self.register_buffer("positions", None if positions is None else torch.as_tensor(positions))

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings of states."""
        known = x[:, self.at]
        # Not clamp, whose slope at zero depends on the version of torch: a gene at zero must be able to rise.
        counts = torch.where(known < 0, 0, known).expm1() * counts_per_unit(self.depth, self.target_sum)
        present = None if self.zeros else counts > 0
        hidden = self.model(self.gene_tokens, self._normalised(counts), self.library, self.positions, present)
        return hidden[:, self.model.base] if self.tokens == "base" else hidden[:, : self.model.n_cell].mean(1)

    def extra_repr(self) -> str:
        """Settings that decide the output."""
        names = ("depth", "target_sum", "normalization", "tokens", "zeros")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)

    def _normalised(self, counts: Tensor) -> Tensor:
        if self.normalization == "log":
            return counts.log1p() / math.log(2)
        total = counts.sum(-1, keepdim=True)
        return counts / torch.where(total > 0, total, 1)
