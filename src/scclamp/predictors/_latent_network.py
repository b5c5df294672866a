"""The small network behind `LatentAdditive`: perturbations add up between an encoder and a decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import numpy as np

_SMALLEST = 1e-2


class LatentNetwork(nn.Module):
    """``softplus(Dec(Enc(x) + sum_g e_g))`` with one hidden layer on each side; it starts as predicting the control.

    Parameters
    ----------
    control
        Mean expression of the control (genes,).
    n_perturbed
        Genes that have an embedding e_g.
    n_latent
        Length of the embeddings.
    n_hidden
        Width of the hidden layers.
    rng
        Draws the weights; torch's own generators are not touched.
    """

    def __init__(
        self, control: Tensor, *, n_perturbed: int, n_latent: int, n_hidden: int, rng: np.random.Generator
    ) -> None:
        super().__init__()
        n_genes = len(control)
        self.encoder = nn.Sequential(_linear(n_genes, n_hidden, rng), nn.ReLU(), _linear(n_hidden, n_latent, rng))
        first, last = _linear(n_latent, n_hidden, rng), _linear(n_hidden, n_genes, rng, 0.01)
        self.decoder = nn.Sequential(first, nn.ReLU(), last)
        self.embedding = nn.Parameter(torch.from_numpy(0.1 * rng.standard_normal((n_perturbed, n_latent))).float())
        self.control = nn.Buffer(control.float())
        with torch.no_grad():
            # softplus(log(expm1(y))) = y
            last.bias.copy_(self.control.clamp(min=_SMALLEST).expm1().log())

    def forward(self, held: Tensor) -> Tensor:
        """Mean expression (targets, genes) under the genes held (targets, perturbed), 0 or 1."""
        return nn.functional.softplus(self.decoder(self.encoder(self.control) + held @ self.embedding))


def _linear(n_in: int, n_out: int, rng: np.random.Generator, gain: float = 1.0) -> nn.Linear:
    """A layer with He's initial weights, drawn by numpy."""
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
    weights = gain * (2.0 / n_in) ** 0.5 * rng.standard_normal((n_out, n_in))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights))
        layer.bias.zero_()
    return layer


def train(
    network: LatentNetwork, held: Tensor, means: Tensor, *, epochs: int, learning_rate: float, weight_decay: float
) -> list[float]:
    """Fit all training means at once; return the mean squared error of every epoch."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad(set_to_none=True)
        loss = (network(held) - means).square().mean()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return losses
