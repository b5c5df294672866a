"""The network of scGPT (Cui et al., 2024): gene and value embeddings, a post-norm transformer, an expression head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn
from torch.nn import functional as F

from scclamp._errors import InputError
from scclamp.encoders._attention import attend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

MAX_VALUE = 512.0
"""Largest value that the value encoder sees."""


@dataclass(frozen=True)
class ScGPTConfig:
    """What `args.json` says of a checkpoint.

    Parameters
    ----------
    embsize, nheads, d_hid, nlayers
        Width, attention heads, width of the feed-forward layers, number of layers.
    pad_token
        Name of the token that pads.
    pad_value
        Value of the cell token.
    n_bins
        Bins of expression, that of zero included.
    mask_value
        Value of a gene that is hidden.
    """

    embsize: int
    nheads: int
    d_hid: int
    nlayers: int
    pad_token: str = "<pad>"
    pad_value: float = -2.0
    n_bins: int = 51
    mask_value: float = -1.0

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Self:
        """Take what is needed, and refuse a checkpoint whose values are no numbers to it."""
        for name, wanted in (("input_emb_style", "continuous"), ("input_style", "binned")):
            if (given := args.get(name, wanted)) != wanted:
                raise InputError(
                    f"checkpoint: {name}={given!r} in its args.json, but only {wanted!r} can be used: an encoder must take "
                    "binned values as numbers to be differentiable. Use a checkpoint trained that way, as the released are."
                )
        sizes = ("embsize", "nheads", "d_hid", "nlayers")
        if missing := [name for name in sizes if not isinstance(args.get(name), int) or args[name] < 1]:
            raise InputError(
                f"checkpoint: args.json has no positive whole number for {', '.join(missing)}. Download it anew, or check that "
                "it is the args.json of scGPT."
            )
        if args["embsize"] % args["nheads"]:
            raise InputError(
                f"checkpoint: embsize={args['embsize']} in args.json is no multiple of nheads={args['nheads']}. Check the file."
            )
        rest = {name: args[name] for name in ("pad_token", "pad_value", "n_bins", "mask_value") if name in args}
        for name, kind in (
            ("pad_token", str),
            ("pad_value", int | float),
            ("n_bins", int),
            ("mask_value", int | float),
        ):
            if name in rest and not isinstance(rest[name], kind):
                raise InputError(
                    f"checkpoint: {name}={rest[name]!r} in args.json is of another kind. Download it anew."
                )
        return cls(**{name: args[name] for name in sizes}, **rest)


class ScGPTModel(nn.Module):
    """Tokens and values of genes to their hidden states; weights are named as in the released files.

    Parameters
    ----------
    config
        Sizes.
    n_tokens
        Size of the vocabulary.
    head
        Whether there is an expression head.
    """

    def __init__(self, config: ScGPTConfig, n_tokens: int, *, head: bool = True) -> None:
        super().__init__()
        self.encoder = _Genes(n_tokens, config.embsize)
        self.value_encoder = _Values(config.embsize)
        self.transformer_encoder = _Stack(config)
        self.decoder = _Expression(config.embsize) if head else None

    def forward(self, tokens: Tensor, values: Tensor, present: Tensor | None = None) -> Tensor:
        """Hidden states (cells, tokens, d) of one sequence of tokens (tokens,) for the values of many cells.

        Parameters
        ----------
        tokens
            Token of each place.
        values
            Bins (cells, tokens).
        present
            Which places a cell attends to (cells, tokens); all by default.
        """
        return self.transformer_encoder(self.encoder(tokens) + self.value_encoder(values), present)


class _Genes(nn.Module):
    def __init__(self, n_tokens: int, d: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, d)
        self.enc_norm = nn.LayerNorm(d)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.enc_norm(self.embedding(tokens))


class _Values(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(1, d)
        self.linear2 = nn.Linear(d, d)
        self.norm = nn.LayerNorm(d)

    def forward(self, values: Tensor) -> Tensor:
        clamped = values.clamp(max=MAX_VALUE).unsqueeze(-1)
        return self.norm(self.linear2(self.linear1(clamped).relu()))


class _Stack(nn.Module):
    def __init__(self, config: ScGPTConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.nlayers))

    def forward(self, x: Tensor, present: Tensor | None) -> Tensor:
        mask = None if present is None else present[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        return x


class _Layer(nn.Module):
    """Attention and a feed-forward layer, each added and then normalised."""

    def __init__(self, config: ScGPTConfig) -> None:
        super().__init__()
        d = config.embsize
        self.self_attn = _Attention(d, config.nheads)
        self.linear1, self.linear2 = nn.Linear(d, config.d_hid), nn.Linear(config.d_hid, d)
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = self.norm1(x + self.self_attn(x, mask))
        return self.norm2(x + self.linear2(self.linear1(x).relu()))


class _Attention(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * d, d))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * d))
        self.out_proj = nn.Linear(d, d)

    def extra_repr(self) -> str:
        """What weights do not tell, for the fingerprint."""
        return f"heads={self.heads}"

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        projected = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = projected.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = attend(q, k, v, mask)
        return self.out_proj(mixed.transpose(1, 2).flatten(-2))


class _Expression(nn.Module):
    """Expression in bins from the hidden state of a gene."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(d, d), nn.LeakyReLU(), nn.Linear(d, d), nn.LeakyReLU(), nn.Linear(d, 1))

    def forward(self, hidden: Tensor) -> Tensor:
        return self.fc(hidden).squeeze(-1)
