"""Builds the dynamics that a configuration asks for, and gives them their starting values."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from scclamp.fitting.config import FitConfig
from scclamp.fitting.kinetics import DRIFT, make_activation
from scclamp.fitting.objective import Objective
from scclamp.fitting.problem import FitProblem
from scclamp.fitting.start import regression_start
from scclamp.physics import (
    Additive,
    Dynamics,
    HillOfSum,
    Integration,
    Network,
    NeuralDrift,
    Saturating,
)

_SMALLEST_K = 1e-2
WEIGHTS = ("A", "W1", "W2")
"""Parameters that weight decay acts on."""


def half_activation(control: Tensor, rows: Tensor) -> Tensor:
    """Median positive control expression of the measured regulators (...); 1 when none is expressed.

    Parameters
    ----------
    control
        Control means (..., genes); every replicate has its own median.
    rows
        Row of each regulator; -1 is latent.
    """
    expressed = control[..., rows[rows >= 0]].double()
    if not expressed.shape[-1]:
        return control.new_ones(control.shape[:-1], dtype=torch.float64)
    # Not nanmedian, which takes the lower of the two middle values.
    median = expressed.where(expressed > 0, torch.nan).nanquantile(0.5, dim=-1)
    return median.nan_to_num(1.0)


def own_half_activations(problem: FitProblem) -> Tensor:
    """Half-activation of each regulator (..., regulators): where its own condition clamps it.

    Changes that others cause stay below it, as they mostly stay below what a clamp does. A knocked-out regulator is held
    near zero, where nothing could be told apart; it gets a quarter of its control expression.
    """
    dose = torch.where(problem.mask, problem.values, 0.0).amax(-2)
    control = problem.means[..., 0, :].index_select(-1, problem.rows.clamp(min=0)) * (problem.rows >= 0)
    return torch.maximum(dose, control / 4).clamp(min=_SMALLEST_K)


def build(problem: FitProblem, config: FitConfig, n_members: int) -> Dynamics:
    """Dynamics with `n_members` independent members: b at the control mean, kinetics as configured, no weights yet."""
    batch, n_genes = (n_members,), problem.means.shape[-1]
    control = problem.means[..., 0, :].cpu()
    K = 1.0 if config.K is None else config.K
    dynamics: Dynamics
    if config.kinetics == DRIFT:
        dynamics = NeuralDrift(n_genes, problem.rows, batch_shape=batch, bounds=config.bounds)
    else:
        dynamics = Network(
            n_genes,
            problem.rows,
            activation=make_activation(
                config.kinetics, len(problem.rows), config.n, K, batch_shape=batch, bounds=config.bounds
            ),
            integration=_integration(config, K, control, batch),
            batch_shape=batch,
        )
    # First the precision, then the values: a control mean rounded to float32 would stay so.
    dynamics.to(device=problem.means.device, dtype=problem.means.dtype)
    with torch.no_grad():
        shared = (
            half_activation(control, problem.rows.cpu())
            if config.K is None
            else torch.tensor(config.K, dtype=torch.float64)
        )
        for name, parameter in dynamics.named_parameters():
            if name.endswith("log_K"):
                parameter.copy_(shared.log().reshape(-1, *[1] * (parameter.ndim - 1)))
            elif name.endswith("log_n") and config.kinetics != "michaelis_menten":
                parameter.fill_(math.log(config.n))
        dynamics.b.copy_(control * config.gamma)
        dynamics.log_gamma.fill_(float(np.log(config.gamma)))
    dynamics.log_gamma.requires_grad_(config.fit_gamma)
    return dynamics


def start(
    dynamics: Dynamics, problem: FitProblem, config: FitConfig, objective: Objective, rng: np.random.Generator
) -> None:
    """Give the weights their starting values: the regression's where there is one, plus small random ones."""
    if config.start == "regression" and isinstance(dynamics, Network) and config.kinetics != "multi_regulator_hill":
        candidates: tuple[Tensor, ...] = ()
        if config.kinetics == "generalized_hill" and config.K is None:
            own = own_half_activations(problem)
            shared = half_activation(problem.means[..., 0, :], problem.rows).to(own)
            candidates = (shared[..., None].expand_as(own), own)
        regression_start(dynamics, problem, objective, candidates)
    with torch.no_grad():
        for name, parameter in dynamics.named_parameters():
            if name in WEIGHTS:
                scale = config.init_scale if name != "W1" else parameter.shape[-1] ** -0.5
                draw = torch.from_numpy(scale * rng.standard_normal(parameter.shape))
                parameter.add_(draw.to(device=parameter.device, dtype=parameter.dtype))
        if isinstance(dynamics, Network) and config.kinetics == "multi_regulator_hill":
            _centre_sums(dynamics, problem.means[..., 0, :])
        parameters = dict(dynamics.named_parameters())
        for name, initial in objective.initial.items():
            initial.copy_(parameters[name])


def _integration(config: FitConfig, K: float, control: Tensor, batch: tuple[int, ...]) -> Integration:
    if config.kinetics == "multi_regulator_hill":
        return HillOfSum(config.n, K, batch_shape=batch, bounds=config.bounds)
    if config.integration == "saturating":
        # One centre per member, so that what is stored has one shape with and without resampling.
        centre = (control * config.gamma).expand(*batch, -1).contiguous()
        return Saturating(centre, config.limit, batch_shape=batch)
    return Additive()


def _centre_sums(network: Network, control: Tensor) -> None:
    """Shift the weights so that every sum starts at K in the control, the steepest point of its Hill curve.

    Sums near zero, let alone negative ones, have no slope, and a fit started there would not move.
    """
    K = network.integration.named_values()["K"][..., None, None]
    expressed = control[..., network.core_rows].expand(*network.batch_shape, -1) * (network.rows >= 0)
    network.A.add_(K * (expressed / expressed.square().sum(-1, keepdim=True).clamp(min=1e-6))[..., None, :])
    network.b.sub_(0.5)
