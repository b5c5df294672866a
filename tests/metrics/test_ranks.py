"""Ranks and correlations against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scclamp.metrics._ranks import mid_ranks, pearson, spearman, top_share


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_against_scipy(decimals):
    rng = np.random.default_rng(1)
    x, y = np.round(rng.normal(size=(2, 300)), decimals)
    y += x
    np.testing.assert_array_equal(mid_ranks(x), stats.rankdata(x))
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_tiny_values_do_not_underflow():
    x = np.array([1.0, 2.0, 4.0])
    assert pearson(x * 1e-200, x * 1e200) == pytest.approx(1.0)


def test_constant_has_no_correlation():
    assert np.isnan(pearson(np.ones(3), np.arange(3.0)))
    assert np.isnan(spearman(np.arange(3.0), np.zeros(3)))


def test_top_share_is_the_mean_over_random_orders_of_ties():
    values, k = np.array([3.0, 1.0, 1.0, 2.0, 1.0, 0.0]), 3
    rng = np.random.default_rng(0)
    counts = np.zeros(6)
    for _ in range(4000):
        counts[np.lexsort((rng.random(6), -values))[:k]] += 1
    np.testing.assert_allclose(top_share(values, k), counts / 4000, atol=0.03)
    assert top_share(values, k).sum() == pytest.approx(k)
