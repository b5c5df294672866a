"""The objective of the paper's equations 3 and 4, per ensemble member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from scclamp.fitting.config import FitConfig
from scclamp.fitting.problem import FitProblem


class Losses(NamedTuple):
    """Parts of the objective, each (*members,)."""

    total: Tensor
    perturbation: Tensor
    control: Tensor
    sparsity: Tensor
    validation: Tensor


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
        self.held_out = held_out.nan_to_num()
        self.has_validation = problem.has_validation

    def __call__(self, states: Tensor, parameters: Mapping[str, Tensor]) -> Losses:
        """Evaluate on predicted steady states (*members, conditions, genes)."""
        encoded = self.encode(states)
        control = encoded[..., 0, :]
        # Adding what is negative: the derivative of a subtraction would negate all states before it sums them.
        predicted = encoded + (-control)[..., None, :]
        perturbation = torch.linalg.vector_norm(predicted - self.shifts, dim=(-1, -2)).square() / self.n_perturbations
        anchor = (control - self.anchor).square().sum(-1)
        sparsity = parameters["A"].abs().sum((-1, -2)) if "A" in parameters else perturbation.new_zeros(())
        total = perturbation + self.config.lambda_ctrl * anchor + self.config.lambda_sparse * sparsity
        if self.config.lambda_kinetics:
            for name, start in self.initial.items():
                away = (parameters[name] - start).square()
                total = total + self.config.lambda_kinetics * away.reshape(len(away), -1).sum(-1)
        return Losses(
            total, perturbation, anchor, sparsity, self._validation(predicted.detach(), perturbation.detach())
        )

    def _validation(self, predicted: Tensor, perturbation: Tensor) -> Tensor:
        """Shift loss on held-out cells; on the training cells where there are none (pseudobulk)."""
        if not self.has_validation:
            return perturbation
        error = torch.linalg.vector_norm(predicted - self.held_out, dim=-1).square() * self.seen
        return error.sum(-1) / self.seen.sum(-1)
