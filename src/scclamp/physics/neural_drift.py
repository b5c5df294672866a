"""Neural drift: a layer of hidden units replaces activation, weights and integration.

Its inputs are the regulators, for the same reason that a network has only their columns: nothing else was intervened on.
The fixed point therefore stays a problem in R dimensions, but its derivative has no factored form and is dense.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scclamp.physics.activation import BOUNDS
from scclamp.physics.dynamics import Dynamics
from scclamp.physics.linearisation import Dense


@dataclass(frozen=True)
class DriftCore:
    """Core map of a `NeuralDrift`: its output layer restricted to the regulators' rows."""

    drift: NeuralDrift
    W2: Tensor
    b: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return (self.drift.hidden(x) @ self.W2.mT + self.b[..., None, :]) / self.drift.gamma

    def linearise(self, x: Tensor, free: Tensor) -> Dense:
        inner = self.drift.hidden_slope(x)
        return Dense(self.W2[..., None, :, :] @ inner / self.drift.gamma[..., None] * free[..., :, None])


class NeuralDrift(Dynamics):
    """Learned drift ``dx/dt = b + W2 tanh(W1 log(1 + x) + a) - gamma x`` over the regulators x.

    Parameters
    ----------
    n_genes
        Number of genes G.
    rows
        Row of each regulator among the genes; -1 marks a latent regulator.
    hidden
        Number of hidden units.
    batch_shape
        Leading axes of independent members.
    bounds
        Bounds of the argument, as for an activation.
    """

    per_gene = ("W2", "b")

    def __init__(
        self,
        n_genes: int,
        rows: Tensor,
        *,
        hidden: int = 64,
        batch_shape: tuple[int, ...] = (),
        bounds: tuple[float, float] = BOUNDS,
    ) -> None:
        super().__init__(n_genes, rows, batch_shape=batch_shape, bounds=bounds)
        self.W1 = nn.Parameter(torch.zeros(*batch_shape, hidden, len(self.rows)))
        self.a = nn.Parameter(torch.zeros(*batch_shape, hidden))
        self.W2 = nn.Parameter(torch.zeros(*batch_shape, n_genes, hidden))

    def hidden(self, x: Tensor) -> Tensor:
        """Hidden units (*batch, conditions, hidden)."""
        return torch.tanh(x.clamp(*self.bounds).log1p() @ self.W1.mT + self.a[..., None, :])

    def hidden_slope(self, x: Tensor) -> Tensor:
        """Derivative of the hidden units (*batch, conditions, hidden, regulators); zero where x is projected."""
        units = self.hidden(x)
        inside = (x > self.bounds[0]) & (x < self.bounds[1])
        outer = inside / (1 + x.clamp(*self.bounds))
        return (1 - units * units)[..., :, None] * self.W1[..., None, :, :] * outer[..., None, :]

    def production(self, x: Tensor) -> Tensor:
        return self.hidden(x) @ self.W2.mT + self.b[..., None, :]

    def core(self) -> DriftCore:
        return DriftCore(self, self.W2.index_select(-2, self.core_rows), self.b.index_select(-1, self.core_rows))
