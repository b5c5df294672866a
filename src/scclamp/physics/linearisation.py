"""The core's derivative at a state, as an operator: products with it and its transpose, and the dense matrix on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Linearisation(Protocol):
    """Derivative M of the clamped core map at one state per condition; rows of clamped regulators are zero."""

    def jvp(self, u: Tensor) -> Tensor:
        """Product M u."""

    def vjp(self, w: Tensor) -> Tensor:
        """Product of M transposed with w."""

    def dense(self) -> Tensor:
        """Matrices M (*batch, conditions, regulators, regulators)."""

    def select(self, index: tuple[Tensor, ...]) -> Linearisation:
        """The linearisation of some (member, condition) entries only."""

    def mean_condition(self) -> Tensor:
        """M of an average condition (*batch, regulators, regulators): the preconditioner's matrix."""


@dataclass(frozen=True)
class Factored:
    """M = diag(left) A diag(right), never formed: one product with the shared A serves every condition.

    Parameters
    ----------
    A
        Weights among regulators (*batch, regulators, regulators).
    left
        ``phi' / gamma`` of each free target, zero where clamped (*batch, conditions, regulators).
    right
        ``h'`` of each regulator (*batch, conditions, regulators).
    """

    A: Tensor
    left: Tensor
    right: Tensor

    def jvp(self, u: Tensor) -> Tensor:
        return self.left * ((self.right * u) @ self.A.mT)

    def vjp(self, w: Tensor) -> Tensor:
        return self.right * ((self.left * w) @ self.A)

    def dense(self) -> Tensor:
        return self.left[..., :, None] * self.A[..., None, :, :] * self.right[..., None, :]

    def select(self, index: tuple[Tensor, ...]) -> Dense:
        A = self.A.expand(*self.left.shape[:-2], *self.A.shape[-2:])[index[:-1]]
        left, right = self.left[index], self.right[index]
        return Dense(left[..., :, None] * A * right[..., None, :])

    def mean_condition(self) -> Tensor:
        free = (self.left != 0).to(self.left.dtype)
        weight = free.sum(-2).clamp(min=1)
        left = self.left.sum(-2) / weight
        return left[..., :, None] * self.A * self.right.mean(-2)[..., None, :]


@dataclass(frozen=True)
class Dense:
    """M held as explicit matrices, for drifts without a factored form and for selected conditions."""

    matrix: Tensor

    def jvp(self, u: Tensor) -> Tensor:
        return torch.einsum("...ij,...j->...i", self.matrix, u)

    def vjp(self, w: Tensor) -> Tensor:
        return torch.einsum("...ij,...i->...j", self.matrix, w)

    def dense(self) -> Tensor:
        return self.matrix

    def select(self, index: tuple[Tensor, ...]) -> Dense:
        return Dense(self.matrix[index])

    def mean_condition(self) -> Tensor:
        return self.matrix.mean(-3)
