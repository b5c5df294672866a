import dataclasses

import pytest

from scclamp._errors import InputError
from scclamp.fitting import FitConfig

# Appendix E of the paper, as far as it is a number of the configuration, and equations 1 to 4.
APPENDIX_E = {
    "kinetics": "hill",
    "integration": "additive",
    "learning_rate": 1e-3,
    "betas": (0.9, 0.999),
    "weight_decay": 1e-4,
    "grad_clip": 5.0,
    "lambda_ctrl": 1.0,
    "lambda_sparse": 1e-5,
    "solver": "damped",
    "damping": 0.5,
    "cold_epochs": 20,
    "cold_steps": 200,
    "warm_steps": 50,
    "tol": 1e-5,
    "bounds": (1e-6, 50.0),
    "tikhonov": 1e-8,
    "adjoint": "reduced",
    "train_fraction": 0.8,
    "seed": 42,
    "max_epochs": 1000,
    "patience": 100,
    "start": "random",
    "fit_gamma": True,
}
# What the method of the paper does not have.
OFF = {"guard": False, "backtrack": 0, "denoise": 0.0, "lambda_kinetics": 0.0, "crowding": 0.0, "interaction": 1.0}
# What the paper must have chosen and does not say.
SILENT = {"init_scale": 0.01, "n": 2.0, "K": None, "gamma": 1.0, "dtype": "float32"}
UNUSED = {"limit", "max_radius"}


def test_paper_holds_every_value_of_appendix_e():
    found = dataclasses.asdict(FitConfig.paper())
    expected = APPENDIX_E | OFF | SILENT
    assert {name: found[name] for name in expected} == expected
    assert set(found) - set(expected) == UNUSED, "a new setting: what did the paper do?"


def test_paper_says_where_the_paper_is_silent():
    _, _, said = (FitConfig.paper.__doc__ or "").partition("silent on")
    silent, _, off = said.partition(". What")
    assert all(f"`{name}`" in silent for name in SILENT)
    assert all(f"`{name}`" in off for name in OFF.keys() - {"crowding", "interaction"})
    assert "the law of combinations" in off


def test_paper_can_be_changed():
    assert FitConfig.paper(guard=True, max_epochs=3) == FitConfig.paper().replace(guard=True, max_epochs=3)


def test_json_round_trip():
    config = FitConfig.paper(K=0.1 + 0.2, dtype="float64")
    assert FitConfig.from_json(config.to_json()) == config


def test_unknown_setting_names_a_near_one():
    with pytest.raises(InputError, match=r"learning_rat.*Did you mean 'learning_rate'"):
        FitConfig().replace(learning_rat=1e-3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kinetics", "hil"),
        ("solver", "newtn"),
        ("dtype", "float16"),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("n", -1.0),
        ("K", 0.0),
        ("max_epochs", 0),
        ("patience", 0),
        ("denoise", -0.5),
        ("crowding", float("nan")),
        ("interaction", 1.5),
        ("grad_clip", float("inf")),
        ("lambda_sparse", -1e-9),
        ("tikhonov", float("nan")),
        ("damping", 0.0),
        ("damping", 1.5),
        ("train_fraction", 0.0),
        ("bounds", (1.0, 0.5)),
        ("max_radius", 0.0),
        ("max_epochs", 2.5),
        ("cold_steps", 0),
        ("warm_steps", 0),
        ("betas", (0.9, 1.0)),
        ("betas", (-0.1, 0.9)),
        ("betas", (0.9,)),
        ("n", None),
        ("n", "2"),
        ("weight_decay", None),
        ("backtrack", "often"),
    ],
)
def test_impossible_settings_are_named(name, value):
    with pytest.raises(InputError, match=f"{name}="):
        FitConfig(**{name: value})


@pytest.mark.parametrize("kinetics", ["multi_regulator_hill", "neural_drift"])
def test_an_integration_that_would_be_ignored_is_refused(kinetics):
    assert FitConfig(kinetics=kinetics).integration == "additive"
    with pytest.raises(InputError, match=f"integration='saturating' has no effect with kinetics='{kinetics}'"):
        FitConfig(kinetics=kinetics, integration="saturating")
