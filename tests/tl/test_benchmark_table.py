"""From scores of targets to one row for each predictor: means, skill and its interval, from the targets once more."""

import numpy as np
import pandas as pd
import pytest

from scclamp.metrics._bootstrap_ci import tails
from scclamp.tl._benchmark_cells import SCORES
from scclamp.tl._benchmark_table import LACKS, summarise, target_rows

NAMES = [f"T{i}" for i in range(8)]
NULLS = ["zero", "mean"]


def scored(predictor, mse, *, possible=None, subgroup="all", why=LACKS):
    rng = np.random.default_rng(len(predictor))
    possible = [True] * len(NAMES) if possible is None else possible
    scores = {name: np.where(possible, rng.normal(size=len(NAMES)), np.nan) for name in SCORES} | {"mse": mse}
    result = {"predicted": possible, "seconds": 1.5, "scores": scores}
    cell = {"split": "cells", "seed": 3, "predictor": predictor}
    return target_rows(cell, NAMES, [subgroup] * len(NAMES), result, why)


@pytest.fixture
def errors():
    rng = np.random.default_rng(0)
    return {name: rng.uniform(0.5, 1.5, len(NAMES)) * scale for name, scale in (("net", 0.6), ("zero", 1), ("mean", 1))}


def table(errors, **other):
    rows = pd.concat([scored(name, mse, **other.get(name, {})) for name, mse in errors.items()])
    return rows, summarise(rows, NULLS).set_index("predictor")


def test_a_row_of_each_target_says_why_it_is_empty():
    possible = [True, False] * 4
    rows = scored("net", np.where(possible, 1.0, np.nan), possible=possible)
    assert rows["target"].tolist() == NAMES
    assert rows["note"].tolist() == ["", LACKS] * 4
    assert rows[["split", "seed", "predictor", "seconds"]].drop_duplicates().values.tolist() == [
        ["cells", 3, "net", 1.5]
    ]


def test_scores_are_means_over_targets(errors):
    rows, found = table(errors)
    for name in errors:
        own = rows[rows["predictor"] == name]
        for score in SCORES:
            assert found.loc[name, score] == pytest.approx(np.mean(own[score].tolist()))
    assert (found["n_targets"] == 8).all()
    assert (found["n_predicted"] == 8).all()
    assert (found["note"] == "").all()


def test_skill_is_over_the_strongest_null_on_the_same_targets(errors):
    _, found = table(errors)
    totals = {name: sum(mse) for name, mse in errors.items()}
    best = min(NULLS, key=totals.get)
    assert found.loc["net", "strongest_null"] == best
    assert found.loc["net", "skill"] == pytest.approx(1 - totals["net"] / totals[best])
    assert found.loc[best, "skill"] == 0
    # Resamples of our own, with the strongest null found anew in each.
    rng, skills = np.random.default_rng(1), []
    for _ in range(4000):
        at = rng.integers(8, size=8)
        drawn = {name: mse[at].sum() for name, mse in errors.items()}
        skills.append(1 - drawn["net"] / min(drawn[null] for null in NULLS))
    interval = np.quantile(skills, tails(8))
    np.testing.assert_allclose(found.loc["net", ["skill_low", "skill_high"]].astype(float), interval, atol=0.03)


def test_skill_is_over_the_targets_that_can_be_predicted(errors):
    possible = [True] * 6 + [False] * 2
    errors["net"] = np.where(possible, errors["net"], np.nan)
    _, found = table(errors, net={"possible": possible})
    below = min(errors[null][:6].sum() for null in NULLS)
    assert found.loc["net", "skill"] == pytest.approx(1 - errors["net"][:6].sum() / below)
    assert found.loc["net", "mse"] == pytest.approx(errors["net"][:6].mean())
    assert found.loc["net", "n_predicted"] == 6
    assert found.loc["net", "note"].startswith(f"{LACKS}: ")
    assert all(repr(name) in found.loc["net", "note"] for name in NAMES[6:])


def test_a_null_that_lacks_a_target_is_no_measure(errors):
    possible = [False] + [True] * 7
    errors["mean"] = np.where(possible, 1e-6, np.nan)
    _, found = table(errors, mean={"possible": possible})
    assert found.loc["net", "strongest_null"] == "zero"


def test_a_prediction_that_is_no_number_has_no_means(errors):
    errors["net"][2] = np.nan
    _, found = table(errors)
    assert found.loc["net", [*SCORES, "skill", "skill_low", "skill_high"]].isna().all()
    assert found.loc["net", "strongest_null"] == ""


def test_few_targets_have_no_interval(errors):
    rows = pd.concat([scored(name, mse) for name, mse in errors.items()])
    found = summarise(rows[rows["target"].isin(NAMES[:4])], NULLS).set_index("predictor").loc["net"]
    assert np.isfinite(found["skill"])
    assert np.isnan(found["skill_low"])
    assert np.isnan(found["skill_high"])


def test_subgroups_are_judged_apart(errors):
    rows = pd.concat([scored(name, mse) for name, mse in errors.items()])
    rows["subgroup"] = np.where(rows["target"].isin(NAMES[:3]), "seen", "unseen")
    found = summarise(rows, NULLS).set_index(["subgroup", "predictor"])
    assert found.loc[("seen", "net"), "mse"] == pytest.approx(errors["net"][:3].mean())
    assert found.loc[("unseen", "net"), "mse"] == pytest.approx(errors["net"][3:].mean())
