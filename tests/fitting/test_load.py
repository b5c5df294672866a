import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from scclamp import get
from scclamp._errors import StorageError
from scclamp._storage import decode, encode
from scclamp.datasets import simulated
from scclamp.fitting import FitConfig, FitProblem, to_arrays
from scclamp.fitting.load import load_dynamics, stored_config, stored_point
from scclamp.fitting.model import build
from scclamp.tl import predict_clamps

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


FIRST = {
    "kinetics": "hill",
    "integration": "additive",
    "n": 2.0,
    "K": None,
    "gamma": 1.0,
    "limit": 2.0,
    "fit_gamma": False,
    "start": "regression",
    "init_scale": 1e-3,
    "learning_rate": 1e-3,
    "betas": [0.9, 0.999],
    "weight_decay": 1e-4,
    "grad_clip": 5.0,
    "lambda_ctrl": 1.0,
    "lambda_sparse": 1e-5,
    "lambda_kinetics": 0.0,
    "max_epochs": 1000,
    "patience": 100,
    "solver": "damped",
    "damping": 1.0,
    "tol": 1e-5,
    "cold_epochs": 20,
    "cold_steps": 200,
    "warm_steps": 50,
    "bounds": [1e-6, 50.0],
    "adjoint": "reduced",
    "tikhonov": 1e-8,
    "guard": True,
    "max_radius": 0.95,
    "train_fraction": 0.8,
    "dtype": "float32",
    "seed": 42,
}
"""The settings of the first fits, kept for ever so that later versions must read them."""


def _with_settings(settings):
    adata = fits["simulated_fit"]()
    result = decode(adata)
    encode(adata, replace(result, params=result.params | {"config": settings}))
    return adata


def test_the_first_fits_are_read_as_the_law_they_were_made_with():
    adata = _with_settings(FIRST)
    config = stored_config(decode(adata))
    assert (config.crowding, config.interaction, config.denoise, config.backtrack) == (0.0, 1.0, 0.0, 0)
    pairs = [predict_clamps(adata, ["REG01+REG02"], combination=how) for how in ("calibrated", "steady_state")]
    np.testing.assert_array_equal(pairs[0].layers["predicted"], pairs[1].layers["predicted"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (FIRST | {"crowdign": 0.4, "more": 1}, "has the settings 'crowdign', 'more', which this scclamp lacks. Update"),
        ({k: v for k, v in FIRST.items() if k != "bounds"}, r"lacks the settings 'bounds'. Run scclamp.tl.fit again"),
    ],
    ids=["new", "missing"],
)
def test_settings_of_another_version_are_named(settings, message):
    with pytest.raises(StorageError, match=message):
        predict_clamps(_with_settings(settings), ["REG01"])


def test_the_first_fits_report_the_mean_of_their_members():
    made = {"n_members": 3, "spread": 0.05, "dtype": "float64"}
    before, mean, first = (fits["simulated_fit"](params=p, **made) for p in ({}, {"point": "mean"}, {"point": "first"}))
    assert [stored_point(decode(adata)) for adata in (before, mean, first)] == ["mean", "mean", "first"]
    for table in (get.adjacency, get.kinetics):
        pd.testing.assert_frame_equal(table(before), table(mean))
    answers = [predict_clamps(adata, ["REG01+REG02"]) for adata in (before, mean, first)]
    for layer in ("predicted", "shift", "additive", "predicted_sd"):
        np.testing.assert_array_equal(answers[0].layers[layer], answers[1].layers[layer])
        assert np.abs(answers[0].layers[layer] - answers[2].layers[layer]).max() > 1e-3


def test_another_report_of_members_is_not_guessed():
    adata = fits["simulated_fit"](n_members=2, params={"point": "median"})
    with pytest.raises(StorageError, match="reports 'median' of its members, which this scclamp lacks"):
        predict_clamps(adata, ["REG01"])


def test_loaded_dynamics_carry_no_gradients():
    dynamics = load_dynamics(decode(fits["simulated_fit"]()))
    assert not any(parameter.requires_grad for parameter in dynamics.parameters())
