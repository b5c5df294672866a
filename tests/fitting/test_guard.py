"""A step that leaves the stable region is shrunk: in its core, in the member that failed, and nowhere else."""

import warnings

import numpy as np
import pytest
import torch

import scclamp as sc_c
from scclamp.fitting import FitConfig, Trainer
from scclamp.fitting.guard import Guard, shrink_to_pass
from scclamp.physics import Newton, steady_state


@pytest.fixture
def trainer(cell_problem):
    config = FitConfig(kinetics="hill", dtype="float64", start="random", init_scale=0.01, max_epochs=50)
    trainer = Trainer(cell_problem(), config, 3, np.random.default_rng(0))
    for _ in range(3):
        trainer.step()
    return trainer


def _snapshot(trainer):
    return {name: p.detach().clone() for name, p in trainer.parameters.items()}


def _step_away(trainer, member, core_step, readout_step=0.1):
    """What an optimiser's step may look like: every weight of one member moves."""
    before = _snapshot(trainer)
    rows = trainer.problem.rows
    with torch.no_grad():
        A = trainer.parameters["A"]
        A[member] += readout_step
        A[member, rows] += core_step - readout_step
    return before, _snapshot(trainer)


def test_a_diverging_core_is_shrunk_and_nothing_else(trainer):
    before, stepped = _step_away(trainer, 1, -2.0)
    guard = Guard(0.95)
    assert guard.passes(trainer.solve())[0].tolist() == [True, False, True]
    solution, _, halvings = shrink_to_pass(trainer.dynamics, before, trainer.solve, guard)
    assert bool(solution.converged.all())
    assert halvings.tolist()[::2] == [0, 0]
    rows, A = trainer.problem.rows, trainer.parameters["A"].detach()
    k = int(halvings[1])
    assert 1 <= k <= 6
    torch.testing.assert_close(A[1, rows] - before["A"][1, rows], torch.full_like(A[1, rows], -2.0 / 2**k))
    readout = np.setdiff1d(np.arange(A.shape[1]), rows)
    assert torch.equal(A[1, readout], stepped["A"][1, readout])
    for name, value in trainer.parameters.items():
        for member in (0, 2):
            assert torch.equal(value[member], stepped[name][member])
    problem = trainer.problem
    fresh = steady_state(trainer.dynamics, problem.mask, problem.values, solver=Newton(tol=1e-10), core0=solution.core)
    assert fresh.spectral_radius.max() <= 0.95


@pytest.mark.parametrize("step", [-1e9, float("nan"), float("inf")])
def test_a_hopeless_core_comes_back(trainer, step):
    before, stepped = _step_away(trainer, 0, step)
    solution, _, halvings = shrink_to_pass(trainer.dynamics, before, trainer.solve, Guard(0.95))
    rows, A = trainer.problem.rows, trainer.parameters["A"].detach()
    assert torch.equal(A[0, rows], before["A"][0, rows])
    assert torch.equal(A[1:], stepped["A"][1:])
    assert bool(solution.converged.all())
    assert halvings[0] >= 1
    assert not halvings[1:].any()


def test_shared_constants_are_shrunk_with_the_core(trainer):
    rows, name = trainer.problem.rows, "activation.log_n"
    with torch.no_grad():
        trainer.parameters["A"][2, rows] -= 0.2
    trainer.core = None
    assert Guard(0.95).passes(trainer.solve())[0].all(), "the point stepped from must pass"
    before = _snapshot(trainer)
    with torch.no_grad():
        trainer.parameters[name][2] += 1.0
    assert not Guard(0.95).passes(trainer.solve())[0][2]
    _, _, halvings = shrink_to_pass(trainer.dynamics, before, trainer.solve, Guard(0.95))
    moved = (trainer.parameters[name] - before[name]).detach()
    torch.testing.assert_close(moved[2].item(), 1.0 / 2 ** int(halvings[2]))
    assert not moved[:2].any()


def test_a_step_that_passes_is_left_alone(trainer):
    before, stepped = _step_away(trainer, 1, 1e-4, 1e-4)
    _, _, halvings = shrink_to_pass(trainer.dynamics, before, trainer.solve, Guard(0.95))
    assert not halvings.any()
    for name, value in trainer.parameters.items():
        assert torch.equal(value, stepped[name])


@pytest.mark.parametrize("start", ["regression", "random"])
def test_parameters_stay_finite_at_an_absurd_learning_rate(cell_problem, start):
    config = FitConfig(learning_rate=10.0, max_epochs=40, start=start, fit_gamma=True)
    trainer = Trainer(cell_problem(), config, 2, np.random.default_rng(0))
    trainer.run()
    for p in trainer.parameters.values():
        assert p.isfinite().all()
    assert np.isfinite(np.array([trainer.history[k] for k in ("loss", "validation", "gradient")])).all()
    assert not np.any(trainer.history["failed"])


def test_the_radius_that_is_judged_is_the_radius(trainer):
    solution = trainer.solve()
    exact = solution.spectral_radius.amax(-1)
    limit = 0.5 * exact.min().item()
    passed, radius = Guard(limit).passes(solution)
    assert not passed.any()
    torch.testing.assert_close(radius.detach(), exact.to(radius), rtol=0.02, atol=0)
    assert Guard(2 * exact.max().item()).passes(solution)[0].all()


def test_members_that_give_up_in_turn_do_not_keep_each_other_from_ending():
    """Judged afresh each time, two members alternate for ever; one that has been put back must stay passed."""
    adata = sc_c.datasets.simulated("tiny")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc_c.tl.fit(adata, n_seeds=5, bootstrap=True, rng=1, init_scale=1.0, denoise=0.0, kinetics="hill", max_epochs=8)
    assert len(adata.uns["clamp"]["history"]) == 8 * 5


def test_a_member_beyond_the_limit_may_come_back_in_steps(trainer):
    solution = trainer.solve()
    _, radius = Guard(0.95).passes(solution)
    strict = Guard(float(radius.min()) / 10)
    passed, exact = strict.passes(solution)
    assert not passed.any()
    strict.accepted = exact
    assert strict.passes(solution)[0].all()
    strict.accepted = 0.8 * exact
    assert not strict.passes(solution)[0].any()
