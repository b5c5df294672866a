import numpy as np
import pytest
import torch

from scclamp.fitting import FitConfig, Trainer, effective_weights, from_arrays, to_arrays
from scclamp.physics import steady_state

CASES = [
    ("hill", "additive"),
    ("hill", "saturating"),
    ("michaelis_menten", "additive"),
    ("mass_action", "saturating"),
    ("generalized_hill", "additive"),
    ("multi_regulator_hill", "additive"),
    ("neural_drift", "additive"),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kinetics", "integration"), CASES)
def test_arrays_bring_back_the_same_network(cell_problem, kinetics, integration, dtype):
    config = FitConfig(kinetics=kinetics, integration=integration, dtype=dtype, max_epochs=2)
    trainer = Trainer(cell_problem(), config, 2, np.random.default_rng(0))
    trainer.run()
    arrays = to_arrays(trainer.dynamics)
    back = from_arrays(arrays, trainer.problem.rows.numpy(), config)
    assert not any(p.requires_grad for p in back.parameters())
    assert to_arrays(back).keys() == arrays.keys()
    for name, value in to_arrays(back).items():
        np.testing.assert_array_equal(value, arrays[name])
    problem = trainer.problem
    ours, theirs = (steady_state(d, problem.mask, problem.values).value for d in (trainer.dynamics, back))
    assert torch.equal(ours, theirs)


def test_weights_of_a_drift_are_its_derivative_at_rest(cell_problem):
    config = FitConfig(kinetics="neural_drift", dtype="float64", max_epochs=1)
    dynamics = Trainer(cell_problem(), config, 2, np.random.default_rng(0)).dynamics
    weights = effective_weights(dynamics)
    x = dynamics.rest().detach()
    for j in (0, 5):
        step = torch.zeros_like(x)
        step[..., j] = 1e-5
        slope = (dynamics.production(x + step) - dynamics.production(x - step)).detach() / 2e-5
        torch.testing.assert_close(weights[..., j], slope[..., 0, :], rtol=1e-5, atol=1e-8)
