import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from scclamp._storage import decode
from scclamp.datasets import simulated
from scclamp.fitting import FitConfig, FitProblem, to_arrays
from scclamp.fitting.load import load_dynamics, stored_config
from scclamp.fitting.model import build

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


# torch 2.15 warns about its own use of torch.jit where forward-mode derivatives are taken.
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")
@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "kinetics",
    ["hill", "michaelis_menten", "mass_action", "generalized_hill", "multi_regulator_hill", "neural_drift"],
)
def test_every_kind_of_dynamics_comes_back_bit_by_bit(kinetics, dtype, n_members):
    adata = simulated("tiny")
    config = FitConfig(kinetics=kinetics, dtype=dtype, K=0.7)
    regulators = tuple(str(r) for r in adata.uns["truth"]["regulators"])
    rows = adata.var_names.get_indexer(regulators)
    means = torch.ones(n_members, 1, adata.n_vars, dtype=getattr(torch, dtype))
    problem = FitProblem(torch.as_tensor(rows), means.bool(), means, means, means, means, lambda x: x)
    dynamics = build(problem, config, n_members)
    with torch.no_grad():
        for parameter in dynamics.parameters():
            parameter += 0.1 * torch.rand(parameter.shape, dtype=parameter.dtype, generator=torch.manual_seed(0))
    arrays = to_arrays(dynamics)
    fits["store"](adata, arrays, regulators, rows, dict.fromkeys(regulators, 1.0), config, {})
    result = decode(adata)
    assert stored_config(result) == config
    loaded = to_arrays(load_dynamics(result))
    assert loaded.keys() == arrays.keys()
    for name, value in arrays.items():
        assert loaded[name].dtype == value.dtype
        np.testing.assert_array_equal(loaded[name], value, err_msg=name)


def test_loaded_dynamics_carry_no_gradients():
    dynamics = load_dynamics(decode(fits["simulated_fit"]()))
    assert not any(parameter.requires_grad for parameter in dynamics.parameters())
