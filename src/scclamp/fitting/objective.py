"""The objective of the paper's equations 3 and 4, per ensemble member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scclamp.fitting.config import FitConfig
from scclamp.fitting.problem import FitProblem


class Losses(NamedTuple):
    """Parts of the objective, each (*members,)."""

    total: Tensor
    perturbation: Tensor
    control: Tensor
    sparsity: Tensor
    validation: Tensor


class _ShiftLoss(torch.autograd.Function):
    """Squared errors of the shifts from the control, summed over conditions, and of the control itself.

    States are large and there are few operations on them, so that passes over memory are what an epoch waits for;
    differentiating operation by operation would take twice as many.
    """

    @staticmethod
    def forward(ctx: Any, encoded: Tensor, shifts: Tensor, anchor: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return both sums, and the errors (*members, conditions, dimensions), whose control row is zero."""
        control = encoded[..., :1, :]
        errors = encoded - shifts
        errors -= control
        away = control.squeeze(-2) - anchor
        ctx.save_for_backward(errors, away)
        ctx.mark_non_differentiable(errors)
        return torch.linalg.vector_norm(errors, dim=(-1, -2)).square(), away.square().sum(-1), errors

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, shift: Tensor, anchor: Tensor, _: Tensor) -> tuple[Tensor, None, None]:
        errors, away = ctx.saved_tensors
        gradient = errors * (2 * shift)[..., None, None]
        # Every shift is taken from the control, and its own row of errors is zero.
        gradient[..., 0, :] = (2 * anchor)[..., None] * away - gradient.sum(-2)
        return gradient, None, None


class Objective:
    """Shift loss of every perturbation, anchor of the control, and penalties on the parameters.

    The observed shifts do not change during a fit, so they are taken once.

    Parameters
    ----------
    problem
        Means to match.
    config
        Weights of the terms.
    initial
        Kinetic constants in log space at the start, by parameter name, from which `lambda_kinetics` measures.
    """

    def __init__(self, problem: FitProblem, config: FitConfig, initial: dict[str, Tensor]) -> None:
        self.encode, self.config, self.initial = problem.encode, config, initial
        self.anchor = problem.train[..., 0, :]
        # The control keeps its row, of zeros: cutting it off would cost a pass over all states in each direction.
        self.shifts = problem.train - problem.train[..., :1, :]
        held_out = problem.validation - problem.validation[..., :1, :]
        self.seen = held_out[..., 0].isfinite()
        self.seen[..., 0] = False
        self.n_perturbations = self.shifts.shape[-2] - 1
        self.beyond = held_out.nan_to_num() - self.shifts
        self.has_validation = problem.has_validation

    def __call__(self, states: Tensor, parameters: Mapping[str, Tensor]) -> Losses:
        """Evaluate on predicted steady states (*members, conditions, genes)."""
        shift, anchor, errors = _ShiftLoss.apply(self.encode(states), self.shifts, self.anchor)
        perturbation = shift / self.n_perturbations
        sparsity = parameters["A"].abs().sum((-1, -2)) if "A" in parameters else perturbation.new_zeros(())
        total = perturbation + self.config.lambda_ctrl * anchor + self.config.lambda_sparse * sparsity
        if self.config.lambda_kinetics:
            for name, start in self.initial.items():
                away = (parameters[name] - start).square()
                total = total + self.config.lambda_kinetics * away.reshape(len(away), -1).sum(-1)
        return Losses(total, perturbation, anchor, sparsity, self._validation(errors, perturbation.detach()))

    def validation_of(self, shifts: Tensor) -> Tensor:
        """Validation loss of shifts that no network has predicted, such as the observed ones or none (*members,).

        Parameters
        ----------
        shifts
            From the control, encoded (*members, conditions, d), the control's own row being zero.
        """
        errors = shifts - self.shifts
        return self._validation(errors, errors.square().sum((-1, -2)) / self.n_perturbations)

    def _validation(self, errors: Tensor, perturbation: Tensor) -> Tensor:
        """Shift loss on held-out cells; on the training cells where there are none (pseudobulk)."""
        if not self.has_validation:
            return perturbation
        error = torch.linalg.vector_norm(errors - self.beyond, dim=-1).square() * self.seen
        return error.sum(-1) / self.seen.sum(-1)
