"""The network of scPRINT (Kalfon et al., 2025): tokens of a cell and of its genes through a pre-norm transformer.

Written from the description of the model and from the names and shapes of its weights alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from scclamp.encoders._attention import attend

if TYPE_CHECKING:
    from torch import Tensor

    from scclamp.encoders._scprint_config import ScPRINTConfig

EPS = 1e-6
"""Of the norms of the transformer; that of the encoders of numbers is torch's own."""


class ScPRINTModel(nn.Module):
    """Depth of a cell and values of its genes to hidden states, the cell's first; weights are named as in the released files."""

    def __init__(self, config: ScPRINTConfig) -> None:
        super().__init__()
        d = config.d
        self.spare, n_rows = config.spare, 1 + config.n_classes + (config.spare is not None)
        self.base = 2 if config.spare == "metacell" else 1
        self.n_cell = self.base + 1 + config.n_classes
        self.gene_encoder = _Table(len(config.genes), d)
        self.expr_encoder = _Number(config.d_expression, d)
        self.depth_encoder = _Number(config.d_depth, d)
        self.class_encoder = _Table(n_rows, d)
        if config.n_positions:
            self.pos_encoder = _Positions(config.n_positions, d)
        self.transformer = _Transformer(config)

    def forward(
        self,
        tokens: Tensor,
        values: Tensor,
        depth: Tensor,
        positions: Tensor | None = None,
        present: Tensor | None = None,
    ) -> Tensor:
        """Hidden states (cells, cell tokens + genes, d).

        Parameters
        ----------
        tokens
            Token of each gene (genes,).
        values
            Normalised expression (cells, genes).
        depth
            log2(1 + library size), one number for all cells.
        positions
            Row of each gene in the table of positions (genes,).
        present
            Which genes a cell attends to (cells, genes); all by default.
        """
        genes = self.gene_encoder.embeddings(tokens)
        if positions is not None:
            genes = genes + self.pos_encoder.pe[positions]
        first, rows = self.depth_encoder(depth.reshape(1)), self.class_encoder.embeddings.weight
        if self.spare == "depth":
            first, rows = first + rows[:1], rows[1:]
        cell = torch.cat([first, rows]).expand(len(values), -1, -1)
        mask = None if present is None else nn.functional.pad(present, (self.n_cell, 0), value=True)[:, None, None, :]
        return self.transformer(torch.cat([cell, genes + self.expr_encoder(values)], 1), mask)

    def extra_repr(self) -> str:
        """What weights do not tell."""
        return f"spare={self.spare!r}"


class _Table(nn.Module):
    def __init__(self, n: int, d: int) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(n, d)


class _Number(nn.Module):
    """A number to a vector; of the places in the row of layers those with weights are 0, 1 and 4."""

    def __init__(self, d_inside: int, d: int) -> None:
        super().__init__()
        layers = nn.Linear(1, d_inside), nn.LayerNorm(d_inside), nn.ReLU(), nn.Dropout(), nn.Linear(d_inside, d)
        self.encoder = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x.unsqueeze(-1))


class _Positions(nn.Module):
    pe: Tensor

    def __init__(self, n: int, d: int) -> None:
        super().__init__()
        self.register_buffer("pe", torch.zeros(n, d))


class _Transformer(nn.Module):
    def __init__(self, config: ScPRINTConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d, eps=EPS)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)


class _Block(nn.Module):
    """Attention and a feed-forward layer, each on what was normalised, and added."""

    def __init__(self, config: ScPRINTConfig) -> None:
        super().__init__()
        d = config.d
        self.mixer = _Attention(d, config.n_heads)
        self.mlp = _Feedforward(d, config.d_hidden)
        self.norm1, self.norm2 = nn.LayerNorm(d, eps=EPS), nn.LayerNorm(d, eps=EPS)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = x + self.mixer(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


class _Attention(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.Wqkv, self.out_proj = nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = self.Wqkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.out_proj(attend(q, k, v, mask).transpose(1, 2).flatten(-2))

    def extra_repr(self) -> str:
        return f"heads={self.heads}"


class _Feedforward(nn.Module):
    def __init__(self, d: int, d_hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, d_hidden), nn.Linear(d_hidden, d)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(nn.functional.gelu(self.fc1(x)))
