"""The regulatory network: signed weights of the regulators on every gene, with an activation and an integration."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scclamp._errors import InputError
from scclamp.physics.activation import Activation, Hill
from scclamp.physics.dynamics import Dynamics
from scclamp.physics.integration import Additive, Integration
from scclamp.physics.linearisation import Factored


@dataclass(frozen=True)
class NetworkCore:
    """Core map of a `Network`: x -> phi(b_R, A_RR h(x)) / gamma."""

    A: Tensor
    b: Tensor
    gamma: Tensor
    rows: Tensor
    activation: Activation
    integration: Integration

    def __call__(self, x: Tensor) -> Tensor:
        return self.integration(self.b, self.activation(x) @ self.A.mT, self.rows) / self.gamma

    def linearise(self, x: Tensor, free: Tensor) -> Factored:
        s = self.activation(x) @ self.A.mT
        left = self.integration.slope(self.b, s, self.rows) / self.gamma * free
        return Factored(self.A, left, self.activation.slope(x).expand_as(left))


class Network(Dynamics):
    """Signed regulatory network ``dx_i/dt = phi(b_i, sum_j A_ij h(x_j)) - gamma x_i``.

    The columns of `A` are the regulators. Only the G x R weights that interventions can inform exist, so no mask has to
    be kept.

    Parameters
    ----------
    n_genes
        Number of genes G, the rows of `A`.
    rows
        Row of each regulator among the genes (R,); -1 marks a latent regulator.
    activation, integration
        Kinetics; Hill and additive by default.
    batch_shape
        Leading axes of independent members that are solved side by side.

    Examples
    --------
    >>> import torch
    >>> from scclamp.physics import Network
    >>> network = Network(n_genes=4, rows=torch.tensor([0, 2]))
    >>> network.A.shape
    torch.Size([4, 2])
    """

    per_gene = ("A", "b")

    def __init__(
        self,
        n_genes: int,
        rows: Tensor,
        *,
        activation: Activation | None = None,
        integration: Integration | None = None,
        batch_shape: tuple[int, ...] = (),
    ) -> None:
        activation = Hill(batch_shape=batch_shape) if activation is None else activation
        super().__init__(n_genes, rows, batch_shape=batch_shape, bounds=activation.bounds)
        self.A = nn.Parameter(torch.zeros(*batch_shape, n_genes, len(self.rows)))
        self.activation = activation
        self.integration = Additive() if integration is None else integration
        self._check_kinetics()

    def _check_kinetics(self) -> None:
        """Every member has its own kinetic constants, or gradients would couple members; every constant its own name."""
        if twice := sorted(self.activation.named_values().keys() & self.integration.named_values().keys()):
            raise InputError(
                f"activation={self.activation.name!r} and integration={self.integration.name!r} both have constants named "
                f"{', '.join(twice)}, of which only one could be told. Use MassAction() with this integration."
            )
        for kinetics in (self.activation, self.integration):
            for name, constant in kinetics.named_parameters():
                if tuple(constant.shape[: len(self.batch_shape)]) != self.batch_shape:
                    raise InputError(
                        f"{kinetics.name} has {name} of shape {tuple(constant.shape)}, but the network has members "
                        f"{self.batch_shape}. Pass batch_shape={self.batch_shape} to {type(kinetics).__name__}."
                    )

    def production(self, x: Tensor) -> Tensor:
        return self.integration(self.b, self.activation(x) @ self.A.mT)

    def relax(self, x: Tensor) -> Tensor:
        return self.integration.relax(self.b, self.activation(x), self.A, self.gamma)

    def core(self) -> NetworkCore:
        rows = self.core_rows
        A, b = self.A.index_select(-2, rows), self.b.index_select(-1, rows)
        return NetworkCore(A, b, self.gamma, rows, self.activation, self.integration)

    def named_values(self) -> dict[str, Tensor]:
        return super().named_values() | self.activation.named_values() | self.integration.named_values()
