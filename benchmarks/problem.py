"""A random stable network of any size, and the fit problem that its noisy means make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from scclamp.fitting import FitConfig, FitProblem, Trainer
from scclamp.physics import Damped, Hill, Network, steady_state

NORMAN = {"n_genes": 2553, "n_regulators": 102, "n_conditions": 103}
"""Genes, regulators, and conditions with the control, of the screen whose fit the paper times."""
FEEDBACK = 0.9
"""Bound of the spectral radius of the linearised core at any state; at the steady states it is about a third."""
ACTIVATING = 0.8
"""Share of positive edges: with as many negative ones, the radius of a random matrix falls with its size."""
STEEPEST = 3**1.5 / 8
"""Largest slope of x^2 / (1 + x^2)."""
DOSE = 1.5
CELL_NOISE = 0.05
"""Standard error of a condition's mean: some two hundred cells."""


@dataclass(frozen=True)
class Screen:
    """The true network and what a fit is given of it."""

    truth: Network
    problem: FitProblem

    def trainer(self, config: FitConfig, n_members: int = 1, seed: int = 0) -> Trainer:
        """A fit about to start."""
        return Trainer(self.problem, config, n_members, np.random.default_rng(seed))

    def trainer_at_truth(self, **changes: object) -> Trainer:
        """A fit that stands at the true network: every size meets the same spectrum from the first epoch on."""
        config = FitConfig(start="random", n=2.0, K=1.0, patience=10**6, max_epochs=10**6).replace(**changes)
        trainer = self.trainer(config)
        with torch.no_grad():
            trainer.dynamics.A.copy_(self.truth.A)
            trainer.dynamics.b.copy_(self.truth.b)
        return trainer


def make_screen(
    n_genes: int, n_regulators: int, n_conditions: int, *, seed: int = 0, device: str = "cpu", density: float = 0.1
) -> Screen:
    """Draw a sparse signed network, settle it under every clamp, and add the noise of means over cells."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(n_genes, n_regulators, replace=False))
    shape = n_genes, n_regulators
    sign = np.where(rng.random(shape) < ACTIVATING, 1.0, -1.0)
    A = np.where(rng.random(shape) < density, sign * np.abs(rng.normal(0, 0.5, shape)), 0.0)
    A[rows, np.arange(n_regulators)] = 0.0
    # One loop through all regulators: a small sparse core could have none, and no radius to scale.
    A[np.roll(rows, -1), np.arange(n_regulators)] = 0.5
    A[rows] *= FEEDBACK / (STEEPEST * _radius(np.abs(A[rows])))
    control = rng.uniform(0.2, 2.0, n_genes)
    h = control[rows] ** 2 / (1 + control[rows] ** 2)
    truth = Network(n_genes, torch.from_numpy(rows), activation=Hill(2.0, 1.0)).requires_grad_(False)
    truth.A.copy_(torch.from_numpy(A))
    truth.b.copy_(torch.from_numpy(control - A @ h))
    mask = clamps(n_conditions, n_regulators, rng)
    values = torch.where(mask, torch.from_numpy(control[rows] + DOSE).float(), 0.0)
    solved = steady_state(truth, mask, values, solver=Damped(1.0, 1e-6, 500), check_stability=False)
    if not bool(solved.converged.all()):
        raise RuntimeError(f"the random network did not settle: {solved.describe()}")
    train, validation = _noisy(solved.value, 1.0, rng), _noisy(solved.value, 2.0, rng)
    problem = FitProblem(
        rows=torch.from_numpy(rows),
        mask=mask,
        values=torch.where(mask, train[:, rows], 0.0),
        train=train,
        validation=validation,
        means=train,
        encode=_identity,
    )
    return Screen(truth.to(device), problem.to(torch.device(device), torch.float32))


def clamps(n_conditions: int, n_regulators: int, rng: np.random.Generator) -> Tensor:
    """Control first, then every single, then random doubles."""
    mask = torch.zeros(n_conditions, n_regulators, dtype=torch.bool)
    n_singles = min(n_conditions - 1, n_regulators)
    mask[torch.arange(1, n_singles + 1), torch.arange(n_singles)] = True
    for row in range(n_singles + 1, n_conditions):
        mask[row, torch.from_numpy(rng.choice(n_regulators, 2, replace=False))] = True
    return mask


def _radius(A: np.ndarray) -> float:
    """Perron root of a matrix without negative entries, by power steps."""
    v = np.ones(len(A))
    for _ in range(200):
        w = A @ v
        v = w / np.linalg.norm(w)
    return float(np.linalg.norm(A @ v))


def _noisy(states: Tensor, factor: float, rng: np.random.Generator) -> Tensor:
    noise = rng.standard_normal(states.shape, dtype=np.float32)
    return states + factor * CELL_NOISE * torch.from_numpy(noise)


def _identity(states: Tensor) -> Tensor:
    return states
