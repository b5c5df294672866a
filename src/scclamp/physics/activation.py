"""Activations: how strongly a regulator at expression x drives its targets.

Each activation is one small module with a value and a closed-form slope. The state bounds guard the *argument*: outside
them the argument is projected and the slope is zero, so the state itself stays free (a log-normalised state may be tiny).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from scclamp._errors import InputError

BOUNDS = (1e-6, 50.0)
"""Default bounds of an activation's argument."""


def _over_conditions(parameter: Tensor) -> Tensor:
    """Shape a per-member scalar (*batch,) so that it broadcasts over states (*batch, conditions, regulators)."""
    return parameter[..., None, None]


class Activation(nn.Module, ABC):
    """Base of all activations: bounds, and the contract of `forward` and `slope`.

    Parameters
    ----------
    bounds
        Smallest and largest argument; states beyond are projected onto them.
    """

    name = "activation"

    def __init__(self, bounds: tuple[float, float] = BOUNDS) -> None:
        super().__init__()
        if not bounds[0] < bounds[1]:
            raise InputError(f"bounds={bounds!r} must be a smaller and a larger number.")
        self.bounds = bounds

    def guard(self, x: Tensor) -> Tensor:
        """Project a state onto the bounds."""
        return x.clamp(*self.bounds)

    def inside(self, x: Tensor) -> Tensor:
        """Mark states that are not projected; the bounds themselves count as projected, as torch differentiates `clamp`."""
        return (x > self.bounds[0]) & (x < self.bounds[1])

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Value h(x), elementwise."""

    @abstractmethod
    def slope(self, x: Tensor) -> Tensor:
        """Closed-form h'(x), zero where the argument is projected."""

    def named_values(self) -> dict[str, Tensor]:
        """Kinetic constants in natural units, by name."""
        return {}


class Hill(Activation):
    """Cooperative activation ``x^n / (K^n + x^n)`` with one n and one K for all regulators.

    Parameters
    ----------
    n, K
        Initial cooperativity and half-activation; both are kept in log space.
    batch_shape
        Leading axes of independent members (seeds, bootstraps).
    """

    name = "hill"

    def __init__(
        self,
        n: float = 2.0,
        K: float = 1.0,
        *,
        batch_shape: tuple[int, ...] = (),
        bounds: tuple[float, float] = BOUNDS,
    ) -> None:
        super().__init__(bounds)
        if not (0 < n < math.inf and 0 < K < math.inf and bounds[0] > 0):
            raise InputError(f"n={n!r}, K={K!r} and bounds={bounds!r} must be positive: they are kept as logarithms.")
        self.log_n = nn.Parameter(torch.full(batch_shape, float(n)).log())
        self.log_K = nn.Parameter(torch.full(batch_shape, float(K)).log())

    def _constants(self) -> tuple[Tensor, Tensor]:
        return _over_conditions(self.log_n.exp()), _over_conditions(self.log_K)

    def forward(self, x: Tensor) -> Tensor:
        n, log_K = self._constants()
        # The logistic form never overflows: x^n does, for n of a few tens.
        return torch.sigmoid(n * (self.guard(x).log() - log_K))

    def slope(self, x: Tensor) -> Tensor:
        n, _ = self._constants()
        h = self(x)
        return n / self.guard(x) * h * (1 - h) * self.inside(x)

    def named_values(self) -> dict[str, Tensor]:
        return {"n": self.log_n.detach().exp(), "K": self.log_K.detach().exp()}


class MichaelisMenten(Hill):
    """Non-cooperative activation ``x / (K + x)``: Hill with n fixed at one."""

    name = "michaelis_menten"

    def __init__(
        self, K: float = 1.0, *, batch_shape: tuple[int, ...] = (), bounds: tuple[float, float] = BOUNDS
    ) -> None:
        super().__init__(1.0, K, batch_shape=batch_shape, bounds=bounds)
        self.log_n.requires_grad_(False)


class GeneralizedHill(Hill):
    """Hill activation with its own n_j and K_j for each regulator.

    Parameters
    ----------
    n_regulators
        Number of regulators, the last axis of the constants.
    n, K
        Initial values shared by all regulators.
    """

    name = "generalized_hill"

    def __init__(
        self,
        n_regulators: int,
        n: float = 2.0,
        K: float = 1.0,
        *,
        batch_shape: tuple[int, ...] = (),
        bounds: tuple[float, float] = BOUNDS,
    ) -> None:
        super().__init__(n, K, batch_shape=(*batch_shape, n_regulators), bounds=bounds)

    def _constants(self) -> tuple[Tensor, Tensor]:
        return self.log_n.exp()[..., None, :], self.log_K[..., None, :]


class MassAction(Activation):
    """Linear activation ``h(x) = x``: every regulator acts in proportion to its amount."""

    name = "mass_action"

    def forward(self, x: Tensor) -> Tensor:
        return self.guard(x)

    def slope(self, x: Tensor) -> Tensor:
        return self.inside(x).to(x.dtype)
