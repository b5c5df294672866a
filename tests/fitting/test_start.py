"""The closed-form start: exact where the data are, and never a network that does not settle."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from scclamp.fitting import FitConfig, Objective, Trainer
from scclamp.fitting.model import build
from scclamp.fitting.start import _Regression, regression_start
from scclamp.physics import Damped, steady_state


def _started(problem, **settings):
    config = FitConfig(dtype="float64", init_scale=0.0, **settings)
    return Trainer(problem, config, 1, np.random.default_rng(0))


def _radius(dynamics, problem):
    solution = steady_state(dynamics, problem.mask, problem.values, solver=Damped(1.0, 1e-7, 2000))
    return solution.spectral_radius.max().item(), bool(solution.converged.all())


def _bipartite(rng, n_regulators=5, n_genes=30):
    """A network whose regulators do not regulate each other: then every row is determined by the singles."""
    rows = torch.arange(n_regulators) * 3
    A, b = rng.normal(0, 0.4, (n_genes, n_regulators)), rng.uniform(2.0, 3.0, n_genes)
    A[rows] = 0.0
    doses = rng.uniform(3.5, 5.0, n_regulators)
    mask = np.vstack([np.zeros(n_regulators, bool), np.eye(n_regulators, dtype=bool)])
    values = np.where(mask, doses, 0.0)
    core = np.where(mask, values, b[rows])
    states = b + (core**2 / (1 + core**2)) @ A.T
    states[:, rows] = core
    return rows, mask, values, states, A, b


def test_weights_and_rates_come_out_of_noise_free_means(truth_problem):
    rows, mask, values, states, A, b = _bipartite(np.random.default_rng(0))
    t = torch.as_tensor
    problem = replace(
        truth_problem, rows=rows, mask=t(mask), values=t(values), train=t(states), validation=t(states), means=t(states)
    )
    trainer = _started(problem, K=1.0)
    free = np.setdiff1d(np.arange(len(A)), rows)
    # The lightest penalty is 1e-6 of a regulator's mean squared change; the rest is ours to miss.
    np.testing.assert_allclose(trainer.dynamics.A[0].detach().numpy()[free], A[free], atol=2e-5)
    np.testing.assert_allclose(trainer.dynamics.b[0].detach().numpy()[free], b[free], atol=2e-5)
    np.testing.assert_allclose(trainer.dynamics.A[0].detach().numpy()[rows], 0.0, atol=1e-10)


@pytest.mark.parametrize("penalty", [1e-9, 1e-2, 1.0])
def test_rank_one_updates_equal_a_ridge_regression_per_regulator(penalty):
    rng = np.random.default_rng(1)
    n_conditions, n = 9, 6
    D, Y = rng.standard_normal((n_conditions, n)), rng.standard_normal((n_conditions, n))
    own = rng.permutation(n_conditions)[:n]
    found = _Regression.of(torch.as_tensor(D), torch.as_tensor(Y), penalty).core_weights(torch.as_tensor(own)).numpy()
    ridge = penalty * np.mean((D**2).sum(0))
    for k in range(n):
        rows, columns = np.arange(n_conditions) != own[k], np.arange(n) != k
        X = np.vstack([D[rows][:, columns], np.sqrt(ridge) * np.eye(n - 1)])
        y = np.concatenate([Y[rows, k], np.zeros(n - 1)])
        expected = np.zeros(n)
        expected[columns] = np.linalg.lstsq(X, y, rcond=None)[0]
        np.testing.assert_allclose(found[k], expected, rtol=1e-6, atol=1e-8)


def test_truth_is_matched_closely_and_stably(truth_problem):
    trainer = _started(truth_problem, K=1.0)
    radius, converged = _radius(trainer.dynamics, truth_problem)
    assert converged
    assert radius < 0.95
    states = steady_state(trainer.dynamics, truth_problem.mask, truth_problem.values).value[0].detach()
    free = np.setdiff1d(np.arange(states.shape[-1]), truth_problem.rows)
    change = truth_problem.means[1:] - truth_problem.means[0]
    error = (states[1:] - states[0]) - change
    assert error[:, free].square().sum() < 1e-3 * change[:, free].square().sum()


@pytest.mark.parametrize("seed", range(6))
def test_a_start_always_settles_however_wild_the_means(truth_problem, seed):
    rng = np.random.default_rng(seed)
    means = torch.as_tensor(rng.gamma(0.7, 10.0 ** rng.uniform(-1, 1.5), truth_problem.means.shape))
    problem = replace(truth_problem, means=means, train=means, validation=means)
    problem = replace(problem, values=torch.where(problem.mask, means[:, problem.rows], 0.0))
    trainer = _started(problem)
    radius, converged = _radius(trainer.dynamics, problem)
    assert converged
    assert radius < 0.95


def test_all_regulators_latent(truth_problem):
    n = len(truth_problem.rows)
    mask = torch.ones(n + 1, n, dtype=torch.bool)
    values = torch.cat([torch.zeros(1, n), torch.eye(n)]).double()
    problem = replace(truth_problem, rows=torch.full((n,), -1), mask=mask, values=values)
    trainer = _started(problem)
    states = steady_state(trainer.dynamics, mask, values).value[0].detach()
    np.testing.assert_allclose(states, truth_problem.means, atol=1e-4)


def test_one_regulator(truth_problem):
    first = replace(
        truth_problem,
        rows=truth_problem.rows[:1],
        mask=truth_problem.mask[:2, :1],
        values=truth_problem.values[:2, :1],
        **{name: getattr(truth_problem, name)[:2] for name in ("train", "validation", "means")},
    )
    assert first.mask[1].all()
    trainer = _started(first)
    states = steady_state(trainer.dynamics, first.mask, first.values).value[0].detach()
    np.testing.assert_allclose(states, first.means, atol=1e-4)


def test_members_start_as_they_would_alone(cell_problem):
    problem = cell_problem(n_bootstrap=3)
    config = FitConfig(dtype="float64", K=1.0)
    together = build(problem, config, 3)
    regression_start(together, problem, Objective(problem, config, {}))
    for m in range(3):
        parts = {name: getattr(problem, name)[m] for name in ("values", "train", "means")}
        alone_problem = replace(problem, **parts)
        alone = build(alone_problem, config, 1)
        regression_start(alone, alone_problem, Objective(alone_problem, config, {}))
        torch.testing.assert_close(together.A[m], alone.A[0], rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(together.b[m], alone.b[0], rtol=1e-7, atol=1e-9)
