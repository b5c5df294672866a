"""The registry holds every score, and what it says of bounds is true."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest

from scclamp import metrics
from scclamp._errors import InputError
from scclamp.metrics import describe

# Functions of the face that are no score of one prediction: pieces, tables, intervals.
HELPERS = {
    "bootstrap_ci",
    "cell_correlation",
    "describe",
    "network_agreement",
    "network_recovery",
    "shift_ranking",
    "spearman_brown",
    "top_genes",
    "transfer_recovery",
}
TABLE = describe()
SCORES = TABLE.index.drop(["edge_recovery"])


def test_every_score_is_there_once():
    assert TABLE.index.is_unique
    assert set(TABLE.index) == set(metrics.__all__) - HELPERS


def test_inputs_are_the_arguments_without_default():
    for name, row in TABLE.iterrows():
        parameters = inspect.signature(getattr(metrics, name)).parameters
        listed = [*row["inputs"].split(", "), *filter(None, row["options"].split(", "))]
        assert sorted(listed) == sorted(parameters)
        assert all(parameters[p].default is inspect.Parameter.empty for p in row["inputs"].split(", "))


def arguments(name: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random values for whatever a score needs."""
    control, predicted, observed, additive = rng.gamma(0.5, size=(4, 6, 15))
    made = {
        "predicted": predicted,
        "observed": observed,
        "control": control[0],
        "centroid": control[1],
        "additive_shift": additive,
        "significant": rng.random((6, 15)) < 0.5,
        "weights": predicted,
        "scores": predicted,
        "labels": rng.random((6, 15)) < 0.5,
        "truth": observed,
        "errors": predicted[:, 0],
        "null_errors": observed,
    }
    if name in {"cross_fit_correlation", "replicate_ceiling"}:
        made["observed"] = rng.normal(size=(2, 6, 15))
    return {key: made[key] for key in TABLE.loc[name, "inputs"].split(", ")}


@pytest.mark.parametrize("name", SCORES)
def test_bounds_hold_for_random_values(name):
    for seed in range(5):
        values = np.atleast_1d(getattr(metrics, name)(**arguments(name, np.random.default_rng(seed))))
        assert len(values) == (6 if TABLE.loc[name, "per"] == "condition" else 1)
        assert np.isfinite(values).all()
        assert (values >= TABLE.loc[name, "low"] - 1e-9).all()
        assert (values <= TABLE.loc[name, "high"] + 1e-9).all()


BEST = {"higher": lambda row: row["high"], "lower": lambda row: row["low"], "one": lambda row: 1.0}
JUDGED = [name for name in SCORES if {"predicted", "observed"} <= set(TABLE.loc[name, "inputs"].split(", "))]


@pytest.mark.parametrize("name", [n for n in JUDGED if n not in {"de_score", "sinkhorn_distance"}])
def test_the_truth_scores_best(name):
    """Except where only a part of the answer is asked: the DES counts what is called, entropy blurs transport."""
    args = arguments(name, np.random.default_rng(0))
    args["predicted"] = args["observed"]
    if name == "cross_fit_correlation":
        args["predicted"] = args["observed"][0]
        args["observed"] = np.stack([args["observed"][0]] * 2)
    values = getattr(metrics, name)(**args)
    np.testing.assert_allclose(values, BEST[TABLE.loc[name, "direction"]](TABLE.loc[name]), atol=1e-9)


def test_directions_and_units_are_known():
    assert set(TABLE["direction"]) == {"higher", "lower", "one", "none"}
    assert set(TABLE["per"]) == {"condition", "sample", "network", "prediction"}
    assert (TABLE["low"] < TABLE["high"]).all()


def test_some_scores_by_name():
    pd.testing.assert_frame_equal(metrics.describe("rho"), TABLE.loc[["rho"]])
    assert list(metrics.describe(["skill", "mse"]).index) == ["skill", "mse"]
    with pytest.raises(InputError, match=r"names: 'retreival' is not there\. Did you mean 'retrieval'"):
        metrics.describe("retreival")
