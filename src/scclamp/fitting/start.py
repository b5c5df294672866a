"""A closed-form start: regress every gene's production on the regulators' activities, and keep only what is stable.

At a steady state production is linear in the weights, so with the activities known each row of A is a ridge regression
over conditions. Rows of regulators feed back; they are regressed on *observed* activities (leaving out the condition that
clamps the regulator, and its self-loop, which its own noise would explain), under a ladder of penalties. The other rows do
not feed back; they are regressed on the activities that the network itself settles at. The rung with the best validation
loss among the stable ones starts the fit; its first rung is a network without feedback, which is always stable, and
below a rung that no member is stable on there is nothing to find.

Where a regulator acts half is not known either. A regulator whose clamp lies far above what it does in other conditions is
better served by a half-activation near the clamp, which keeps its own fluctuations quiet: the caller gives the candidates,
and a later one must fit clearly better than an earlier one to be chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from scclamp.fitting.guard import Guard
from scclamp.fitting.members import assign_members, choose
from scclamp.fitting.objective import Objective
from scclamp.fitting.problem import FitProblem
from scclamp.physics import Damped, Network, steady_state

CORE_LADDER = (torch.inf, 10.0, 3.0, 1.0, 3e-1, 1e-1, 3e-2, 1e-2, 1e-3)
"""Penalties of the regulators' rows, relative to the mean squared activity change of a regulator."""
_K = "activation.log_K"
READOUT_LADDER = (1e-6, 1e-3, 1e-2, 1e-1)
"""Penalties of the other rows, likewise relative."""
CLEARLY = 0.98
"""Share of the loss that later half-activations must fall below."""
RADIUS = 0.8
"""Largest spectral radius of a start; the fit may go further."""


class _Regression(NamedTuple):
    """Ridge systems of all members: design D, responses Y, and the inverse of D'D + penalty."""

    D: Tensor
    Y: Tensor
    inverse: Tensor

    @classmethod
    def of(cls, D: Tensor, Y: Tensor, relative: float) -> _Regression:
        # Small penalties leave the system ill conditioned, so it is solved in double precision.
        D, Y = D.double(), Y.double()
        gram = D.mT @ D
        eye = torch.eye(D.shape[-1], dtype=D.dtype, device=D.device)
        scale = gram.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None].clamp(min=1e-12)
        return cls(D, Y, torch.linalg.inv(gram + relative * scale * eye))

    def weights(self) -> Tensor:
        """Weights (*members, genes, regulators)."""
        return (self.inverse @ (self.D.mT @ self.Y)).mT

    def core_weights(self, own: Tensor) -> Tensor:
        """Weights of each regulator without its own condition `own` and without itself, by two rank-one updates."""
        k = torch.arange(self.D.shape[-1], device=self.D.device)
        d = self.D[..., own, :]
        gain = d @ self.inverse
        W = self.weights()
        error = self.Y[..., own, k] - (W * d).sum(-1)
        slack = (1 - (gain * d).sum(-1)).clamp(min=1e-9)
        W = W - gain * (error / slack)[..., None]
        column = self.inverse + gain * (gain.diagonal(dim1=-2, dim2=-1) / slack)[..., None]
        column = column / column.diagonal(dim1=-2, dim2=-1)[..., None]
        return W - column * W.diagonal(dim1=-2, dim2=-1)[..., None]


def regression_start(
    network: Network, problem: FitProblem, objective: Objective, half_activations: Sequence[Tensor] = ()
) -> None:
    """Set A and b of every member to the best stable rung, in place.

    Parameters
    ----------
    network
        Network whose integration can be inverted; its kinetic constants are kept.
    problem
        Means to match; single-gene conditions.
    objective
        Scores the rungs by validation loss.
    half_activations
        Candidates for the half-activation of each regulator, tried in this order; none keeps the network's.
    """
    parameters = dict(network.named_parameters())
    chosen = {
        name: parameters[name] for name in ("A", "b", _K) if name in parameters and (name != _K or half_activations)
    }
    best: dict[str, Tensor] = {}
    best_loss = torch.full(network.batch_shape, torch.inf, dtype=problem.means.dtype, device=problem.means.device)
    with torch.no_grad():
        for K in half_activations or (None,):
            if K is not None:
                parameters[_K].copy_(K.log())
            found, loss = _climb(network, problem, objective, chosen)
            better = loss < (CLEARLY * best_loss if best else best_loss)
            best = choose(better, found, best) if best else found
            best_loss = torch.where(better, loss, best_loss)
        assign_members(chosen, best)


def _climb(
    network: Network, problem: FitProblem, objective: Objective, chosen: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], Tensor]:
    """Best stable rung under the network's kinetic constants: copies of what was `chosen` to change, and the loss."""
    parameters = dict(network.named_parameters())
    best = {name: p.detach().clone() for name, p in chosen.items()}
    best_loss = torch.full(network.batch_shape, torch.inf, dtype=problem.means.dtype, device=problem.means.device)
    for core_penalty in CORE_LADDER:
        _set_core(network, problem, core_penalty)
        core, stable = _settle(network, problem)
        if not stable.any():
            break
        for penalty in READOUT_LADDER:
            _set_readout(network, problem, core, penalty)
            loss = objective(network.readout(core), parameters).validation
            better = stable & (loss < best_loss)
            best_loss = torch.where(better, loss, best_loss)
            best = choose(better, {name: p.detach().clone() for name, p in chosen.items()}, best)
    return best, best_loss


def _production(network: Network, means: Tensor) -> Tensor:
    """Summed regulation plus basal rate that would hold each gene at its mean."""
    return network.integration.invert(network.gamma * means)


def _changes(x: Tensor) -> Tensor:
    return x[..., 1:, :] - x[..., :1, :]


def _set_core(network: Network, problem: FitProblem, penalty: float) -> None:
    network.A.zero_()
    rows = network.rows[network.measured]
    observed = problem.means[..., network.core_rows]
    activity = network.activation(torch.where(problem.mask, problem.values, observed))
    drive = _production(network, problem.means)
    if np.isfinite(penalty):
        regression = _Regression.of(_changes(activity), _changes(drive)[..., network.core_rows], penalty)
        own = problem.mask[1:, :].to(torch.int8) * (network.rows >= 0)
        A = regression.core_weights(own.argmax(0))
        network.A.index_copy_(-2, rows, A[..., network.measured, :].to(network.A.dtype))
    network.b.copy_(drive[..., 0, :] - (activity[..., :1, :] @ network.A.mT).squeeze(-2))


def _settle(network: Network, problem: FitProblem) -> tuple[Tensor, Tensor]:
    """Regulators' steady states, and which members are stable in every condition."""
    # A contraction by RADIUS arrives within these steps; what needs more is no start.
    solver = Damped(1.0, tol=1e-5, max_steps=60)
    solution = steady_state(network, problem.mask, problem.values, solver=solver, check_stability=False)
    passed, _ = Guard(RADIUS).passes(solution)
    return solution.core, passed


def _set_readout(network: Network, problem: FitProblem, core: Tensor, penalty: float) -> None:
    activity = network.activation(core)
    drive = _production(network, problem.means)
    A = _Regression.of(_changes(activity), _changes(drive), penalty).weights().to(drive.dtype)
    b = drive[..., 0, :] - (activity[..., :1, :] @ A.mT).squeeze(-2)
    rows = network.rows[network.measured]
    A.index_copy_(-2, rows, network.A.index_select(-2, rows))
    b.index_copy_(-1, rows, network.b.index_select(-1, rows))
    network.A.copy_(A)
    network.b.copy_(b)
