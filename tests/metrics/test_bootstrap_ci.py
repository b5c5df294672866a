"""Percentile bootstrap, against scipy and by coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scclamp._errors import InputError
from scclamp.metrics import bootstrap_ci, skill


def test_against_scipy():
    values = np.random.default_rng(0).gamma(1.0, size=40)
    # scipy's percentiles are widened by hand to where Student's t lies.
    wide = {k: 1 - 2 * stats.norm.cdf(stats.t.ppf((1 - k) / 2, 39) * np.sqrt(40 / 39)) for k in (0.5, 0.95)}
    for level in (0.5, 0.95):
        found = bootstrap_ci(values, level=level, n_boot=20_000, rng=1)
        other = stats.bootstrap(
            (values,), np.mean, confidence_level=wide[level], n_resamples=20_000, method="percentile", rng=2
        ).confidence_interval
        assert found["estimate"] == values.mean()
        assert [found["low"], found["high"]] == pytest.approx([other.low, other.high], abs=0.02)


def test_columns_stay_paired():
    rng = np.random.default_rng(1)
    errors = rng.gamma(1.0, size=(50, 1)) * [0.8, 1.0, 2.0]
    found = bootstrap_ci(errors, lambda e: skill(e[:, 0], e[:, 1:]), n_boot=100, rng=0)
    assert [found[k] for k in ("estimate", "low", "high")] == pytest.approx([0.2, 0.2, 0.2])


def test_covers():
    rng = np.random.default_rng(2)
    found = [bootstrap_ci(rng.normal(size=30), n_boot=200, rng=rng) for _ in range(200)]
    covered = np.mean([f["low"] <= 0 <= f["high"] for f in found])
    assert 0.86 < covered < 0.99


def test_covers_with_six_conditions():
    """Plain percentiles hold the mean of six in 85 % of the cases."""
    rng = np.random.default_rng(2)
    found = [bootstrap_ci(rng.normal(size=6), n_boot=200, rng=rng) for _ in range(300)]
    assert np.mean([f["low"] <= 0 <= f["high"] for f in found]) > 0.9


def test_undefined_are_left_out_and_counted():
    values = np.array([[1.0, 2.0], [np.nan, 3.0], *[[4.0, 5.0]] * 4, [1.0, np.nan]])
    found = bootstrap_ci(values, lambda v: float((v[:, 1] - v[:, 0]).mean()), rng=0)
    assert found == {"estimate": 1.0, "low": 1.0, "high": 1.0, "n": 5.0, "n_undefined": 2.0}


@pytest.mark.parametrize(
    ("values", "estimate", "n"), [([], np.nan, 0), ([np.nan], np.nan, 0), ([0.3], 0.3, 1), ([0.3] * 4, 0.3, 4)]
)
def test_too_few_for_an_interval(values, estimate, n):
    found = bootstrap_ci(values, rng=0)
    assert found["estimate"] == pytest.approx(estimate, nan_ok=True)
    assert np.isnan([found["low"], found["high"]]).all()
    assert found["n"] == n


def test_same_seed_same_interval():
    values = np.arange(9.0)
    assert bootstrap_ci(values, rng=3) == bootstrap_ci(values, rng=np.random.default_rng(3))
    assert bootstrap_ci(values, rng=3) != bootstrap_ci(values, rng=4)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.ones((3, 2)), {}, r"values has shape \(3, 2\).*statistic="),
        (1.0, {}, r"values has shape \(\)"),
        ([1.0, np.inf], {}, "holds an infinity"),
        ([1.0, 2.0], {"level": 95}, "level=95"),
        ([1.0, 2.0], {"n_boot": 0}, "n_boot=0"),
    ],
)
def test_errors(values, options, message):
    with pytest.raises(InputError, match=message):
        bootstrap_ci(values, **options)
