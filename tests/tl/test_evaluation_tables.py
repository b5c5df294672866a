"""Tables of a verdict: every figure from the shifts once more, with numpy and loops."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from scclamp.tl._evaluation_tables import PER_PAIR, interactions, per_pair, strongest, structure, summarise
from scclamp.tl._verdict import Scorer

NAMES = [f"A+B{i}" for i in range(7)]
NULLS = {"": ("additive", "none", "network_null"), "_without_network": ("additive", "none")}
GROUPS = pd.Series(["one"] * 3 + ["two"] * 2 + [None] * 2, dtype=object)
GENES = 9


@pytest.fixture
def judged():
    rng = np.random.default_rng(0)
    observed, additive = rng.normal(size=(2, len(NAMES), GENES))
    free = np.ones(observed.shape, bool)
    free[:, 0] = False
    free[2, 4] = False
    predictions = {
        "network": observed + 0.5 * rng.normal(size=observed.shape),
        "additive": additive,
        "none": np.zeros_like(observed),
        "network_null": observed + 0.8 * rng.normal(size=observed.shape),
    }
    scorer = Scorer(observed, additive, free, rng.random((200, len(NAMES))))
    return SimpleNamespace(names=NAMES, free=free, scorer=scorer, predictions=predictions)


@pytest.fixture
def pairs(judged):
    return per_pair(judged.scorer, judged, judged.predictions)


def errors(judged):
    """Squared error of each combination by the name of the prediction."""
    return {
        name: np.array(
            [
                sum((s[g] - o[g]) ** 2 for g in range(GENES) if f[g])
                for s, o, f in zip(shift, judged.scorer.observed, judged.free, strict=True)
            ]
        )
        for name, shift in judged.predictions.items()
    }


def correlation(shift, judged):
    return np.array(
        [
            np.corrcoef(s[f], o[f])[0, 1] if np.ptp(s[f]) else np.nan
            for s, o, f in zip(shift, judged.scorer.observed, judged.free, strict=True)
        ]
    )


def test_every_prediction_is_scored_for_every_combination(judged, pairs):
    assert pairs.groupby("prediction", sort=False)["combination"].apply(list).to_dict() == dict.fromkeys(
        judged.predictions, NAMES
    )
    for name, squared in errors(judged).items():
        own = pairs[pairs["prediction"] == name]
        np.testing.assert_allclose(own["squared_error"], squared, rtol=1e-12)
        np.testing.assert_allclose(own["mse"], squared / judged.free.sum(1), rtol=1e-12)
        np.testing.assert_allclose(own["r"], correlation(judged.predictions[name], judged), rtol=1e-9)


def test_the_strongest_null_has_the_smallest_error_in_all(judged, pairs):
    total = {name: squared.sum() for name, squared in errors(judged).items()}
    for nulls in NULLS.values():
        assert strongest(pairs, nulls) == min(nulls, key=total.get)


@pytest.mark.parametrize("group", ["all", "one", "two"])
def test_figures_of_a_group_are_those_of_its_combinations(judged, pairs, group):
    table = summarise(judged.scorer, pairs, NULLS, GROUPS)
    found = table[table["group"] == group].set_index(["prediction", "metric"])
    at = np.ones(len(NAMES), bool) if group == "all" else (GROUPS == group).to_numpy()
    squared = {name: each[at] for name, each in errors(judged).items()}
    size = (np.where(judged.free, judged.scorer.observed, 0) ** 2).sum(1)[at]
    for name in judged.predictions:
        own = pairs[pairs["prediction"] == name].reset_index(drop=True).loc[at]
        for metric in PER_PAIR:
            values = own[metric].dropna()
            assert found.loc[(name, metric), "value"] == pytest.approx(values.mean(), nan_ok=True)
            assert found.loc[(name, metric), "n"] == len(values)
        assert found.loc[(name, "r2"), "value"] == pytest.approx(1 - squared[name].sum() / size.sum())
        for suffix, nulls in NULLS.items():
            best = min(nulls, key=lambda null: squared[null].sum())
            skill = found.loc[(name, f"skill{suffix}"), "value"]
            assert skill == pytest.approx(1 - squared[name].sum() / squared[best].sum())
            r = correlation(judged.predictions[name], judged)[at] - correlation(judged.predictions[best], judged)[at]
            gain = np.nanmean(r) if np.isfinite(r).any() else np.nan
            assert found.loc[(name, f"gain_in_r{suffix}"), "value"] == pytest.approx(gain, nan_ok=True)


def test_groups_are_sorted_after_all_of_them_and_few_have_no_interval(judged, pairs):
    table = summarise(judged.scorer, pairs, NULLS, GROUPS)
    assert table["group"].drop_duplicates().tolist() == ["all", "one", "two"]
    bounds = table[(table["prediction"] == "network") & (table["metric"] == "skill")].set_index("group")
    assert bounds.loc["all", "low"] < bounds.loc["all", "value"] < bounds.loc["all", "high"]
    assert bounds.loc[["one", "two"], ["low", "high"]].isna().all(axis=None)


def test_an_interaction_is_judged_by_the_other_half(judged):
    rng = np.random.default_rng(3)
    shifts, sums = rng.normal(size=(2, 2, len(NAMES), GENES))
    own = {"network": rng.normal(size=shifts.shape), "copy": shifts - sums}
    data = SimpleNamespace(halves=(0, 1), half_shifts=tuple(shifts), add=lambda half: sums[half], free=judged.free)
    table = interactions(judged.scorer, data, own).set_index("prediction")
    residual = shifts - sums

    def r(a, b):
        return np.array([np.corrcoef(x[f], y[f])[0, 1] for x, y, f in zip(a, b, judged.free, strict=True)])

    between = r(*residual)
    expected = (r(own["network"][0], residual[1]) + r(own["network"][1], residual[0])) / 2
    assert table.loc["network", "value"] == pytest.approx(expected.mean())
    assert table.loc["copy", "value"] == pytest.approx(between.mean()), "noise that was learned earns nothing"
    assert table.loc["replicate", "value"] == pytest.approx(between.mean())
    assert table.loc["truth", "value"] == pytest.approx((np.sign(between) * np.abs(between) ** 0.5).mean())
    assert (table["n"] == len(NAMES)).all()


def test_without_halves_no_interaction_is_judged(judged):
    data = SimpleNamespace(halves=None, half_shifts=None, free=judged.free)
    assert interactions(judged.scorer, data, {}).empty


def test_structure_is_that_of_singular_values():
    A = np.random.default_rng(0).normal(size=(8, 3))
    s = np.linalg.svd(A, compute_uv=False)
    p = s / s.sum()
    found = structure(A).set_index("metric")["value"]
    assert found["frobenius_norm"] == pytest.approx(np.sqrt((s**2).sum()))
    assert found["effective_rank"] == pytest.approx(np.exp(-(p * np.log(p)).sum()))
