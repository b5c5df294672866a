"""The paper's implementation, taken literally: a G x G network, and one G x G solve per condition going backward.

It shares no code with scclamp. Tests use it as the oracle of the reduced solver, benchmarks as the peer. It follows
equations 2 and 17 to 30, with one correction: replacing row j of the Jacobian by e_j does not make w_j zero (it makes w_j
the gradient with respect to the clamp's value), so the parameter gradients are masked explicitly.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BOUNDS = (1e-6, 50.0)


@dataclass(frozen=True)
class Gradients:
    """Gradients of the loss with respect to each parameter and to the clamped values."""

    A: Tensor
    b: Tensor
    gamma: Tensor
    n: Tensor
    K: Tensor
    values: Tensor


@dataclass(frozen=True)
class DenseHill:
    """``dx/dt = b + A h(x) - gamma x`` with the Hill function of all G genes; most columns of A are zero."""

    A: Tensor
    b: Tensor
    gamma: Tensor
    n: Tensor
    K: Tensor

    @classmethod
    def from_columns(
        cls,
        columns: Tensor,
        rows: Tensor,
        b: Tensor,
        gamma: float,
        n: float,
        K: float,
        dtype: torch.dtype = torch.float64,
    ) -> DenseHill:
        """Place the regulators' columns (G, R) among zeros."""
        A = columns.new_zeros(len(columns), len(columns), dtype=dtype)
        A[:, rows] = columns.detach().to(dtype)
        scalars = [torch.as_tensor(s, dtype=dtype, device=A.device) for s in (gamma, n, K)]
        return cls(A, b.detach().to(dtype), *scalars)

    def h(self, x: Tensor) -> Tensor:
        x = x.clamp(*BOUNDS)
        return x**self.n / (self.K**self.n + x**self.n)

    def h_x(self, x: Tensor) -> Tensor:
        """Equation 20, zero where the argument is held at a bound."""
        h, inside = self.h(x), (x >= BOUNDS[0]) & (x <= BOUNDS[1])
        return torch.where(inside, self.n / x.clamp(*BOUNDS) * h * (1 - h), 0.0)

    def h_n(self, x: Tensor) -> Tensor:
        """Equation 21."""
        h = self.h(x)
        return h * (1 - h) * (x.clamp(*BOUNDS) / self.K).log()

    def h_K(self, x: Tensor) -> Tensor:
        """Equation 22."""
        h = self.h(x)
        return -self.n / self.K * h * (1 - h)

    def forward(
        self, mask: Tensor, values: Tensor, damping: float = 0.5, tol: float = 1e-5, max_steps: int = 200
    ) -> Tensor:
        """Damped iteration of all genes (conditions, G), the clamps imposed again at every step."""
        x = torch.where(mask, values, (self.b / self.gamma).expand(mask.shape))
        for _ in range(max_steps):
            g = (self.b + self.h(x) @ self.A.T) / self.gamma
            new = torch.where(mask, values, damping * g + (1 - damping) * x)
            moved = (new - x).abs().max()
            x = new
            if moved <= tol:
                break
        return x

    def adjoint(self, x: Tensor, mask: Tensor, v: Tensor, tikhonov: float = 1e-8) -> Tensor:
        """Solve equation 30 for one condition: rows of J at clamped genes are those of the identity."""
        eye = torch.eye(len(x), dtype=x.dtype, device=x.device)
        J = eye - self.A * self.h_x(x) / self.gamma
        J = torch.where(mask[:, None], eye, J)
        return torch.linalg.solve(J.T + tikhonov * eye, v)

    def backward(self, x: Tensor, mask: Tensor, v: Tensor, tikhonov: float = 1e-8) -> Gradients:
        """Equations 25 to 29 summed over conditions, for the upstream gradients v (conditions, G)."""
        A, b = torch.zeros_like(self.A), torch.zeros_like(self.b)
        gamma, n, K = (torch.zeros_like(self.gamma) for _ in range(3))
        values = torch.zeros_like(v)
        for c in range(len(x)):
            w = self.adjoint(x[c], mask[c], v[c], tikhonov)
            values[c] = w * mask[c]
            w = w * ~mask[c]
            A += torch.outer(w, self.h(x[c])) / self.gamma
            b += w / self.gamma
            gamma -= w @ x[c] / self.gamma
            n += w @ (self.A @ self.h_n(x[c])) / self.gamma
            K += w @ (self.A @ self.h_K(x[c])) / self.gamma
        return Gradients(A, b, gamma, n, K, values)
