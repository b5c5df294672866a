"""The network of scVI as plain layers of torch: for one batch, the genes of one panel, and a mean instead of a sample."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn

from scclamp._errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from scclamp.encoders._genes import GeneMapping

_NODES = 256
"""Points over which the mean of a logistic normal distribution is taken; it has no closed form."""


class SCVIMap(nn.Module):
    """States of the panel (cells, genes) to latent means, and back to expression.

    The batch is a constant, so that what it adds to a layer is part of the layer's bias; genes that the panel lacks have no
    counts, so that their weights are left out.

    Parameters
    ----------
    encoder, mean
        From transformed counts of known genes to the mean of the latent variable.
    decoder
        From the latent variable to a positive share for each known gene, up to a factor.
    at
        Columns of the panel that are known.
    n_genes
        Genes of the panel.
    scale
        Counts for one unit of normalised expression.
    log
        Whether the model reads logarithms of counts.
    variance, var_eps
        For a logistic normal latent variable, from the last hidden layer to the logarithm of its variance, and what is added.
    """

    at: Tensor
    nodes: Tensor

    def __init__(
        self,
        encoder: nn.Sequential,
        mean: nn.Linear,
        decoder: nn.Sequential,
        *,
        at: Tensor,
        n_genes: int,
        scale: float,
        log: bool,
        variance: nn.Linear | None = None,
        var_eps: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder, self.mean, self.decoder, self.variance = encoder, mean, decoder, variance
        self.n_genes, self.scale, self.log, self.var_eps = n_genes, scale, log, var_eps
        self.register_buffer("at", at)
        if variance is not None:
            self.register_buffer("nodes", _normal_nodes(mean.out_features))

    @classmethod
    def of(cls, module: Any, mapping: GeneMapping, *, batch: int, scale: float) -> Self:
        """Copy the layers of a `scvi.module.VAE`."""
        at = torch.as_tensor(mapping.at)
        tokens = torch.as_tensor(mapping.tokens)[at]
        ln = module.latent_distribution == "ln"
        if ln and module.z_encoder.var_activation is not torch.exp:
            raise InputError(
                "model has latent_distribution='ln' and a var_activation of its own, which is not read. Train it without."
            )
        embedded = _embedded(module, batch)
        inputs = _plain(module.z_encoder.encoder, batch, embedded if module.encode_covariates else embedded[:0], tokens)
        head, activation = module.decoder.px_scale_decoder
        return cls(
            inputs,
            _folded(module.z_encoder.mean_encoder),
            nn.Sequential(
                *_plain(module.decoder.px_decoder, batch, embedded),
                _folded(head, rows=tokens),
                copy.deepcopy(activation),
            ),
            at=at,
            n_genes=len(mapping.genes),
            scale=scale,
            log=bool(module.log_variational),
            variance=_folded(module.z_encoder.var_encoder) if ln else None,
            var_eps=module.z_encoder.var_eps,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Mean of the latent variable (cells, d) for states (cells, genes)."""
        counts = torch.expm1(_at_least_zero(x[:, self.at])) * self.scale
        hidden = self.encoder(torch.log1p(counts) if self.log else counts)
        mean = self.mean(hidden)
        if self.variance is None:
            return mean
        spread = (self.variance(hidden).exp() + self.var_eps).sqrt()
        return torch.softmax(mean[:, None] + spread[:, None] * self.nodes, -1).mean(1)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Expression (cells, genes) that the model expects, with the total that the known genes have in `x`."""
        total = torch.expm1(_at_least_zero(x[:, self.at])).sum(-1, keepdim=True)
        share = self.decoder(self(x))
        found = torch.log1p(share / share.sum(-1, keepdim=True) * total)
        return x.new_full((len(x), self.n_genes), torch.nan).index_copy(-1, self.at, found)

    def loadings(self) -> Tensor:
        """Weights of the known genes in the last layer of the decoder (genes, hidden)."""
        head: Any = self.decoder[-2]
        return head.weight

    def extra_repr(self) -> str:
        """Settings that decide the output."""
        return f"n_genes={self.n_genes}, scale={self.scale!r}, log={self.log}, var_eps={self.var_eps!r}"


def _normal_nodes(d: int) -> Tensor:
    """Evenly spread points of a normal distribution, always the same."""
    even = torch.quasirandom.SobolEngine(d, scramble=True, seed=0).draw(_NODES, dtype=torch.float64)
    return torch.special.ndtri(even.clamp(1e-9, 1 - 1e-9))


def _embedded(module: Any, batch: int) -> Tensor:
    """Vector of the batch where batches have vectors, and of no length where they are categories."""
    if module.batch_representation != "embedding":
        return torch.empty(0, dtype=torch.float64)
    return module.get_embedding("batch").weight[batch].detach().cpu().double()


def _plain(layers: Any, batch: int, constants: Tensor, columns: Tensor | None = None) -> nn.Sequential:
    """Fully connected layers of scvi with one batch made part of them.

    Parameters
    ----------
    layers
        A `scvi.nn.FCLayers`.
    batch
        The batch that is read.
    constants
        What the first layer is given after its own inputs.
    columns
        Inputs of the first layer that are kept.
    """
    n_batches = next(iter(layers.n_cat_list), 0)
    one_hot = (torch.arange(n_batches) == batch).double()
    plain: list[nn.Module] = []
    for i, block in enumerate(layers.fc_layers):
        for layer in block:
            if isinstance(layer, nn.Linear):
                more = one_hot if layers.inject_into_layer(i) else one_hot[:0]
                tail = more if i else torch.cat([constants, more])
                plain.append(_folded(layer, tail, columns=None if i else columns))
            elif layer is not None and not isinstance(layer, nn.Dropout):
                plain.append(copy.deepcopy(layer))
    return nn.Sequential(*plain)


def _folded(
    linear: nn.Linear, tail: Tensor | None = None, *, columns: Tensor | None = None, rows: Tensor | None = None
) -> nn.Linear:
    """A linear layer whose last inputs are constant, with some of its other inputs and some of its outputs."""
    weight = linear.weight.detach().cpu().double()
    bias = weight.new_zeros(len(weight)) if linear.bias is None else linear.bias.detach().cpu().double()
    if tail is not None:
        own = weight.shape[1] - len(tail)
        weight, bias = weight[:, :own], bias + weight[:, own:] @ tail
    weight = weight if columns is None else weight[:, columns]
    weight, bias = (weight, bias) if rows is None else (weight[rows], bias[rows])
    plain = nn.Linear(weight.shape[1], len(weight), device="meta")  # without drawing weights
    plain.weight, plain.bias = nn.Parameter(weight.contiguous()), nn.Parameter(bias)
    return plain


def _at_least_zero(x: Tensor) -> Tensor:
    """Like clamp, but with a slope at zero, where most genes of most cells are."""
    return torch.where(x < 0, 0, x)
