"""Integrations: how a target turns its basal rate and its summed regulation into production.

``production_i = phi(b_i, s_i)`` with ``s_i = sum_j A_ij h(x_j)``. Each integration gives its value and its closed-form
slope with respect to ``s``; swapping one changes nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from scclamp.physics.activation import BOUNDS, Hill

Rows = slice | Tensor


class Integration(nn.Module, ABC):
    """Base of all integrations.

    `rows` selects the genes that `b` and `s` describe, for integrations that hold a constant per gene.
    """

    name = "integration"

    @abstractmethod
    def forward(self, b: Tensor, s: Tensor, rows: Rows = slice(None)) -> Tensor:
        """Production from basal rate `b` (*batch, genes) and summed regulation `s` (*batch, conditions, genes)."""

    @abstractmethod
    def slope(self, b: Tensor, s: Tensor, rows: Rows = slice(None)) -> Tensor:
        """Closed-form derivative of the production with respect to `s`."""

    def relax(self, b: Tensor, h: Tensor, A: Tensor, gamma: Tensor) -> Tensor:
        """State at which this production of every gene is balanced by decay, under activations `h`."""
        return self(b, h @ A.mT) / gamma

    def invert(self, production: Tensor) -> Tensor:
        """Sum ``b + s`` that gives this production, for integrations that depend on the sum alone."""
        raise TypeError(f"{type(self).__name__} is not a function of b + s alone and cannot be inverted.")

    def named_values(self) -> dict[str, Tensor]:
        """Constants in natural units, by name."""
        return {}


class Additive(Integration):
    """Regulators add up without limit, ``b + s``: the form of the paper."""

    name = "additive"

    def forward(self, b: Tensor, s: Tensor, rows: Rows = slice(None)) -> Tensor:
        return b[..., None, :] + s

    def slope(self, b: Tensor, s: Tensor, rows: Rows = slice(None)) -> Tensor:
        return torch.ones_like(s)

    def relax(self, b: Tensor, h: Tensor, A: Tensor, gamma: Tensor) -> Tensor:
        # Decay divides what is small, and the sum is taken in place: each saves a pass over all states, and back.
        return ((h / gamma) @ A.mT).add_(b[..., None, :] / gamma)

    def invert(self, production: Tensor) -> Tensor:
        return production


class Saturating(Integration):
    """Bounded production around a centre, ``m + t tanh((b + s - m) / t)``.

    A sum of per-regulator terms cannot saturate, though most real interactions are sub-additive; here the whole
    response of a gene can.

    Parameters
    ----------
    centre
        Production m of each gene at rest, usually that of the control state.
    limit
        Initial largest departure t from the centre, kept in log space.
    batch_shape
        Leading axes of independent members.
    """

    name = "saturating"
    centre: Tensor

    def __init__(self, centre: Tensor, limit: float = 2.0, *, batch_shape: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.register_buffer("centre", centre.clone())
        self.log_limit = nn.Parameter(torch.full(batch_shape, float(limit)).log())

    def _reduced(self, b: Tensor, s: Tensor, rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
        centre = self.centre[..., rows][..., None, :]
        limit = self.log_limit.exp()[..., None, None]
        return centre, limit, torch.tanh((b[..., None, :] + s - centre) / limit)

    def forward(self, b: Tensor, s: Tensor, rows: Rows = slice(None)) -> Tensor:
        centre, limit, bent = self._reduced(b, s, rows)
        return centre + limit * bent

    def slope(self, b: Tensor, s: Tensor, rows: Rows = slice(None)) -> Tensor:
        _, _, bent = self._reduced(b, s, rows)
        return 1 - bent * bent

    def invert(self, production: Tensor) -> Tensor:
        limit = self.log_limit.exp()[..., None, None]
        # Means beyond the limit are taken as 95 % saturated: the inverse has no value there.
        bent = ((production - self.centre[..., None, :]) / limit).clamp(-0.95, 0.95)
        return self.centre[..., None, :] + limit * torch.atanh(bent)

    def named_values(self) -> dict[str, Tensor]:
        return {"limit": self.log_limit.detach().exp()}


class HillOfSum(Integration):
    """One Hill activation of the summed regulation, ``b + s^n / (K^n + s^n)`` (equation 12 of the paper).

    A negative sum counts as none. Use with `MassAction`, so that the sum runs over expressions.

    Parameters
    ----------
    n, K
        Initial cooperativity and half-activation of the sum, kept in log space.
    """

    name = "hill_of_sum"

    def __init__(
        self,
        n: float = 2.0,
        K: float = 1.0,
        *,
        batch_shape: tuple[int, ...] = (),
        bounds: tuple[float, float] = BOUNDS,
    ) -> None:
        super().__init__()
        self.hill = Hill(n, K, batch_shape=batch_shape, bounds=bounds)

    def forward(self, b: Tensor, s: Tensor, rows: Rows = slice(None)) -> Tensor:
        return b[..., None, :] + self.hill(s)

    def slope(self, b: Tensor, s: Tensor, rows: Rows = slice(None)) -> Tensor:
        return self.hill.slope(s)

    def named_values(self) -> dict[str, Tensor]:
        return self.hill.named_values()
