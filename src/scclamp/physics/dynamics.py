"""What every model of the cell shares: genes, regulators among them, basal rates, decay, and the split core / readout.

Only regulators feed back, so the fixed point is a problem in R dimensions and the remaining genes are one product. Solvers
and adjoints know a model through this contract alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import torch
from torch import Tensor, nn

from scclamp._errors import InputError
from scclamp.physics.activation import BOUNDS
from scclamp.physics.linearisation import Linearisation


class Core(Protocol):
    """The map whose fixed point is the steady state of the regulators."""

    def __call__(self, x: Tensor, /) -> Tensor:
        """State that the regulators relax to while their inputs are held at `x`."""

    def linearise(self, x: Tensor, free: Tensor) -> Linearisation:
        """Derivative of the map at `x`, with zero rows where `free` is false."""


class Dynamics(nn.Module, ABC):
    """``dx/dt = production(x_R) - gamma x`` for G genes, driven by the R regulators among them.

    Parameters
    ----------
    n_genes
        Number of genes G.
    rows
        Row of each regulator among the genes (R,); -1 marks a latent regulator, which is measured nowhere, has no row,
        and therefore must be clamped in every condition.
    batch_shape
        Leading axes of independent members that are solved side by side.
    bounds
        Bounds of the states' argument, for the diagnostics.
    """

    rows: Tensor
    measured: Tensor
    per_gene: tuple[str, ...] = ("b",)
    """Parameters with a row for every gene, on the axis after the members."""

    def __init__(
        self,
        n_genes: int,
        rows: Tensor,
        *,
        batch_shape: tuple[int, ...] = (),
        bounds: tuple[float, float] = BOUNDS,
    ) -> None:
        super().__init__()
        rows = _check_rows(torch.as_tensor(rows, dtype=torch.int64), n_genes)
        self.bounds = bounds
        self.b = nn.Parameter(torch.zeros(*batch_shape, n_genes))
        self.log_gamma = nn.Parameter(torch.zeros(batch_shape))
        self.register_buffer("rows", rows)
        self.register_buffer("measured", (self.rows >= 0).nonzero().squeeze(-1))

    @abstractmethod
    def production(self, x: Tensor) -> Tensor:
        """Production of every gene (*batch, conditions, genes), given the regulators' state."""

    def relax(self, x: Tensor) -> Tensor:
        """State that every gene relaxes to while the regulators are held at `x`; a tensor that may be written to."""
        return self.production(x) / self.gamma

    @abstractmethod
    def core(self) -> Core:
        """The core map with the current parameters, gathered once per solve."""

    @property
    def gamma(self) -> Tensor:
        """Decay rate per member, shaped to broadcast over (conditions, genes)."""
        return self.log_gamma.exp()[..., None, None]

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading axes of independent members."""
        return tuple(self.b.shape[:-1])

    @property
    def core_rows(self) -> Tensor:
        """Row of each regulator; a latent one borrows row 0, which its permanent clamp overrides."""
        return self.rows.clamp(min=0)

    def readout(self, core: Tensor) -> Tensor:
        """Steady state of every gene; regulators keep the state that the core solve, or their clamp, gave them."""
        value = self.relax(core)
        known = core.index_select(-1, self.measured).expand(*value.shape[:-1], -1)
        # In place: a copy would cost two passes over all states, and no derivative needs what is overwritten.
        return value.index_copy_(-1, self.rows[self.measured], known)

    def rest(self) -> Tensor:
        """A cheap first guess of the regulators' state (*batch, 1, regulators)."""
        return (self.b / self.log_gamma.exp()[..., None]).index_select(-1, self.core_rows)[..., None, :]

    def named_values(self) -> dict[str, Tensor]:
        """Kinetic constants in natural units, by name."""
        return {"gamma": self.log_gamma.detach().exp()}


def _check_rows(rows: Tensor, n_genes: int) -> Tensor:
    if rows.ndim != 1 or len(rows) == 0:
        raise InputError(f"rows has shape {tuple(rows.shape)}, but must list at least one regulator, as (regulators,).")
    if bool((rows < -1).any()) or bool((rows >= n_genes).any()):
        raise InputError(
            f"rows={rows.tolist()} leaves the range of {n_genes} genes. Use 0 to {n_genes - 1}, or -1 for a latent regulator."
        )
    measured = rows[rows >= 0]
    if len(measured.unique()) < len(measured):
        raise InputError(
            f"rows={rows.tolist()} names a gene twice. Give each regulator its own gene, or -1 when latent."
        )
    return rows
