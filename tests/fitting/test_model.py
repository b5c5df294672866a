import numpy as np
import pytest
import torch

from scclamp.fitting import FitConfig, Trainer
from scclamp.fitting.model import build, half_activation


def test_half_activation_is_the_median_of_what_is_expressed():
    control = torch.tensor([4.0, 1.0, 0.0, 2.0, 9.0, 3.0])
    rows = torch.tensor([0, 1, 2, 3, 5, -1])
    assert half_activation(control, rows) == np.median([4.0, 1.0, 2.0, 3.0]) == 2.5
    assert half_activation(torch.zeros(3), torch.tensor([0, 1])) == 1.0
    assert half_activation(torch.ones(3), torch.tensor([-1])) == 1.0


def test_every_replicate_has_its_own_median():
    control = torch.tensor([[4.0, 1.0, 2.0], [8.0, 0.0, 6.0], [0.0, 0.0, 0.0]])
    assert half_activation(control, torch.tensor([0, 1, 2])).tolist() == [2.0, 7.0, 1.0]


def test_the_papers_start(cell_problem):
    problem = cell_problem()
    config = FitConfig.paper(dtype="float64", gamma=1.5)
    dynamics = Trainer(problem, config, 2, np.random.default_rng(3)).dynamics
    A = dynamics.A.detach().numpy()
    np.testing.assert_allclose(A, 0.01 * np.random.default_rng(3).standard_normal(A.shape), rtol=1e-12)
    control = problem.means[0].numpy()
    np.testing.assert_allclose(dynamics.b.detach().numpy(), [1.5 * control] * 2, rtol=1e-12)
    values = {name: v.detach().numpy() for name, v in dynamics.named_values().items()}
    np.testing.assert_allclose(values["gamma"], 1.5)
    np.testing.assert_allclose(values["n"], 2.0, rtol=1e-6)
    expressed = control[problem.rows.numpy()]
    np.testing.assert_allclose(values["K"], np.median(expressed[expressed > 0]), rtol=1e-6)
    assert dynamics.log_gamma.requires_grad
    assert not build(problem, FitConfig(), 1).log_gamma.requires_grad


SEPARABLE = ["hill", "michaelis_menten", "mass_action", "generalized_hill"]
KINETICS = [(kinetics, integration) for kinetics in SEPARABLE for integration in ("additive", "saturating")]
KINETICS += [("multi_regulator_hill", "additive"), ("neural_drift", "additive")]


@pytest.mark.parametrize(("kinetics", "integration"), KINETICS)
def test_all_kinetics_can_be_fitted(cell_problem, kinetics, integration):
    config = FitConfig(kinetics=kinetics, integration=integration, start="random", init_scale=0.01, max_epochs=10)
    trainer = Trainer(cell_problem(), config, 2, np.random.default_rng(0))
    trainer.run()
    loss = np.array(trainer.history["loss"])
    assert loss.shape == (10, 2)
    assert (loss[-1] < loss[0]).all()
    assert all(p.isfinite().all() for p in trainer.parameters.values())
    assert not np.any(trainer.history["failed"])


@pytest.mark.parametrize("adjoint", ["reduced", "iterative", "unrolled"])
@pytest.mark.parametrize("solver", ["chord", "damped", "anderson", "newton"])
def test_solvers_and_adjoints_lead_to_one_fit(cell_problem, solver, adjoint):
    problem = cell_problem()
    settings = {"start": "random", "init_scale": 0.01, "max_epochs": 4, "dtype": "float64", "tol": 1e-11}
    fits = []
    for solver_, adjoint_ in (("newton", "reduced"), (solver, adjoint)):
        trainer = Trainer(problem, FitConfig(solver=solver_, adjoint=adjoint_, **settings), 1, np.random.default_rng(0))
        trainer.run()
        fits.append(trainer)
    np.testing.assert_allclose(fits[1].history["loss"], fits[0].history["loss"], rtol=1e-6)
    for name, p in fits[0].parameters.items():
        torch.testing.assert_close(fits[1].parameters[name], p, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kinetics", ["hill", "michaelis_menten", "generalized_hill"])
def test_the_regression_starts_below_random_weights(cell_problem, kinetics):
    first = {}
    for start in ("regression", "random"):
        trainer = Trainer(
            cell_problem(), FitConfig(kinetics=kinetics, start=start, max_epochs=1), 1, np.random.default_rng(0)
        )
        trainer.run()
        first[start] = trainer.history["loss"][0][0]
    assert first["regression"] < 0.5 * first["random"]
