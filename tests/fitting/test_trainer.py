from dataclasses import replace

import numpy as np
import pytest
import torch

from scclamp._errors import NonFiniteError
from scclamp.fitting import HISTORY, FitConfig, Trainer
from scclamp.physics import Newton, steady_state


def _trainer(problem, n_members=1, seed=0, **settings):
    return Trainer(problem, FitConfig(**settings), n_members, np.random.default_rng(seed))


def _rows_of_the_paper(problem, config, rng, epochs):
    """Appendix E again: a masked dense G x G matrix, gradients through the unrolled iteration, torch's own AdamW."""
    mean, rows = problem.means, problem.rows
    C, G = mean.shape
    tf = torch.zeros(G, dtype=torch.bool)
    tf[rows] = True
    expressed = mean[0, rows].numpy()
    A = torch.zeros(G, G, dtype=torch.float64)
    A[:, rows] = torch.as_tensor(0.01 * rng.standard_normal((G, len(rows))))
    K = np.median(expressed[expressed > 0])
    A, b, gamma, n, k = (
        torch.nn.Parameter(torch.as_tensor(v, dtype=torch.float64))
        for v in (A, mean[0].clone(), 0.0, np.log(2), np.log(K))
    )
    optimizer = torch.optim.AdamW(
        [{"params": [A], "weight_decay": 1e-4}, {"params": [b, gamma, n, k], "weight_decay": 0.0}],
        lr=1e-3,
        betas=(0.9, 0.999),
    )
    clamped, value = torch.zeros(C, G, dtype=torch.bool), torch.zeros(C, G, dtype=torch.float64)
    clamped[:, rows], value[:, rows] = problem.mask, problem.values
    x, history = mean[:1].expand(C, G), []
    for _ in range(epochs):
        x = torch.where(clamped, value, x.detach())
        for _ in range(60):
            c = x.clamp(*config.bounds)
            h = c ** n.exp() / (k.exp() ** n.exp() + c ** n.exp())
            x = torch.where(clamped, value, 0.5 * (b + h @ A.T) / gamma.exp() + 0.5 * x)
        shift, seen = x[1:] - x[0], problem.train[1:] - problem.train[0]
        pert = ((shift - seen) ** 2).sum(1).mean()
        loss = pert + ((x[0] - problem.train[0]) ** 2).sum() + 1e-5 * A.abs().sum()
        held = ((shift - (problem.validation[1:] - problem.validation[0])) ** 2).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        A.grad *= tf
        norm = torch.nn.utils.clip_grad_norm_([A, b, gamma, n, k], config.grad_clip)
        history.append([loss.item(), held.item(), norm.item()])
        optimizer.step()
        with torch.no_grad():
            A *= tf
    return history, A.detach()[:, rows], b.detach(), torch.stack([gamma, n, k]).detach()


@pytest.mark.parametrize("clip", [5.0, 0.1])
def test_the_paper_reimplemented_takes_the_same_steps(cell_problem, clip):
    problem = cell_problem()
    # Gradients through a fixed point are exact only at the fixed point, hence the tolerance.
    config = FitConfig.paper(dtype="float64", tol=1e-13, max_epochs=5, grad_clip=clip)
    expected, A, b, constants = _rows_of_the_paper(problem, config, np.random.default_rng(42), 5)
    trainer = Trainer(problem, config, 1, np.random.default_rng(42))
    trainer.run()
    found = np.array([trainer.history[name] for name in ("loss", "validation", "gradient")])[..., 0].T
    assert (found[0, 2] > clip) == (clip < 5), "one case must clip, the other must not"
    np.testing.assert_allclose(found, expected, rtol=2e-6)
    torch.testing.assert_close(trainer.parameters["A"][0].detach(), A, rtol=0, atol=1e-6)
    torch.testing.assert_close(trainer.parameters["b"][0].detach(), b, rtol=0, atol=1e-6)
    values = [trainer.parameters[n].item() for n in ("log_gamma", "activation.log_n", "activation.log_K")]
    np.testing.assert_allclose(values, constants, atol=1e-6)


def test_only_weights_decay(cell_problem):
    ends = []
    for decay in (0.0, 100.0):
        trainer = _trainer(cell_problem(), weight_decay=decay, dtype="float64", max_epochs=1)
        before = {k: p.detach().clone() for k, p in trainer.parameters.items()}
        trainer.run()
        ends.append({k: p.detach() for k, p in trainer.parameters.items()})
    torch.testing.assert_close(ends[1]["A"], ends[0]["A"] - 1e-3 * 100.0 * before["A"])
    for name in ends[0].keys() - {"A"}:
        assert torch.equal(ends[0][name], ends[1][name])


def test_restored_is_the_best_epoch_and_best_so_far_falls(cell_problem):
    problem = cell_problem()
    trainer = _trainer(problem, 2, start="random", init_scale=0.01, learning_rate=0.05, max_epochs=60, dtype="float64")
    trainer.run()
    trainer.restore_best()
    validation = np.array(trainer.history["validation"])
    best = validation.argmin(0)
    assert (best < len(validation) - 1).all(), "the last epoch must not be the best for this test to mean anything"
    np.testing.assert_array_equal(trainer.best_epoch, best)
    np.testing.assert_array_equal(trainer.best_loss, validation.min(0))
    states = (
        steady_state(trainer.dynamics, problem.mask, problem.values, solver=Newton(tol=1e-12)).value.detach().numpy()
    )
    observed = (problem.validation[1:] - problem.validation[0]).numpy()
    for m in range(2):
        found = ((states[m, 1:] - states[m, 0] - observed) ** 2).sum(1).mean()
        np.testing.assert_allclose(found, validation[best[m], m], rtol=1e-4)


def test_patience_ends_a_fit(cell_problem):
    trainer = _trainer(cell_problem(), start="random", init_scale=0.01, learning_rate=0.1, patience=7, max_epochs=400)
    trainer.run()
    assert trainer.epoch == int(trainer.best_epoch[0]) + 7 + 1 < 400


def test_one_epoch_is_scored_and_kept(cell_problem):
    trainer = _trainer(cell_problem(), max_epochs=1)
    start = {k: p.detach().clone() for k, p in trainer.parameters.items()}
    trainer.run()
    assert trainer.epoch == 1
    assert {len(v) for v in trainer.history.values()} == {1}
    assert set(trainer.history) == set(HISTORY)
    trainer.restore_best()
    for name, value in start.items():
        assert torch.equal(trainer.parameters[name], value), "the network that was scored is the one before the step"


@pytest.mark.parametrize("start", ["regression", "random"])
def test_members_side_by_side_are_three_fits(cell_problem, start):
    problem, settings = (
        cell_problem(),
        {"start": start, "dtype": "float64", "max_epochs": 15, "fit_gamma": True, "tol": 1e-10},
    )
    together = _trainer(problem, 3, **settings)
    begun = {k: p.detach().clone() for k, p in together.parameters.items()}
    together.run()
    for m in range(3):
        alone = _trainer(problem, 1, **settings)
        with torch.no_grad():
            for name, p in alone.parameters.items():
                p.copy_(begun[name][m : m + 1])
        alone.previous = {k: p.detach().clone() for k, p in alone.parameters.items()}
        alone.run()
        for name, p in alone.parameters.items():
            torch.testing.assert_close(together.parameters[name][m], p[0], rtol=1e-6, atol=1e-8)
        for name in ("loss", "validation", "gradient"):
            found = np.array(together.history[name])[:, m]
            np.testing.assert_allclose(found, np.array(alone.history[name])[:, 0], rtol=1e-6)


def test_bootstrap_members_see_their_own_doses(cell_problem):
    problem = cell_problem(n_bootstrap=3)
    assert not torch.equal(problem.values[0], problem.values[1])
    trainer = _trainer(problem, 3, max_epochs=3)
    trainer.run()
    A = trainer.parameters["A"]
    assert not torch.allclose(A[0], A[1], atol=1e-3)
    held = problem.mask[1:].nonzero()
    for m in range(3):
        core = trainer.core[m, 1:][tuple(held.T)].double()
        torch.testing.assert_close(core, problem.values[m, 1:][tuple(held.T)], rtol=1e-6, atol=1e-6)


def test_history_tells_the_truth_about_every_epoch(cell_problem):
    trainer = _trainer(
        cell_problem(), dtype="float64", max_epochs=6, lambda_ctrl=0.3, lambda_sparse=0.01, start="random"
    )
    trainer.run()
    h = {k: np.array(v)[:, 0] for k, v in trainer.history.items()}
    np.testing.assert_allclose(h["loss"], h["perturbation"] + 0.3 * h["control"] + 0.01 * h["sparsity"], rtol=1e-12)
    assert (h["steps"] >= 1).all()
    assert not h["failed"].any()


def _poison(trainer, where):
    problem = trainer.problem
    with torch.no_grad():
        if where == "targets":
            trainer.objective.shifts[..., 1, 4] = torch.nan
        elif where == "values":
            problem.values[problem.mask] = torch.nan
        elif where == "A":
            trainer.parameters["A"].fill_(torch.nan)
        else:
            trainer.parameters["b"][0, 3] = torch.inf


NAMED = {"targets": "target", "values": "clamp value", "A": "parameters A", "b": "parameters b"}


@pytest.mark.parametrize("epoch", [0, 4, 9])
@pytest.mark.parametrize("guard", [True, False])
@pytest.mark.parametrize("where", NAMED)
def test_injected_nan_is_named_in_its_epoch(cell_problem, where, guard, epoch):
    trainer = _trainer(cell_problem(), guard=guard, max_epochs=10)
    for _ in range(epoch):
        trainer.step()
    _poison(trainer, where)
    with pytest.raises(NonFiniteError, match=rf"{NAMED[where]}.*at epoch {epoch}\b"):
        trainer.step()


@pytest.mark.parametrize("name", ["values", "train", "means"])
def test_nan_in_the_problem_is_named_before_the_first_epoch(cell_problem, name):
    problem = cell_problem()
    broken = getattr(problem, name).clone()
    broken[1] = torch.nan
    with pytest.raises(NonFiniteError, match="before the first epoch"):
        _trainer(replace(problem, **{name: broken}))


def test_an_encoder_without_a_derivative_is_named(cell_problem):
    problem = cell_problem(encode=lambda x: (x - x.detach()).sqrt() + x)
    trainer = _trainer(problem, max_epochs=3)
    with pytest.raises(NonFiniteError, match="gradient at epoch 0"):
        trainer.run()


def test_the_global_random_state_is_left_alone(cell_problem, untouched_rng):
    problem = cell_problem()
    with untouched_rng():
        _trainer(problem, 2, max_epochs=3).run()
