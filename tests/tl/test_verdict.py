import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from scclamp.tl._verdict import Scorer, scale_across


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def scorer(rng):
    observed, additive = rng.standard_normal((2, 12, 40))
    free = rng.random((12, 40)) > 0.1
    return Scorer(observed, additive, free, rng.random((4000, 12)))


def test_scores_against_scipy(scorer, rng):
    shift = rng.standard_normal(scorer.observed.shape)
    scores = scorer.scores(shift)
    for i, keep in enumerate(scorer.free):
        p, o, a = shift[i, keep], scorer.observed[i, keep], scorer.additive[i, keep]
        np.testing.assert_allclose(scores["r"][i], stats.pearsonr(p, o).statistic)
        np.testing.assert_allclose(scores["rho_nonadd"][i], stats.pearsonr(p - a, o - a).statistic)
        np.testing.assert_allclose(scores["projection"][i], (p - a) @ (o - a) / ((o - a) @ (o - a)))
        np.testing.assert_allclose(scores["mse"][i], np.mean((p - o) ** 2))
        np.testing.assert_allclose(scorer.errors(shift)[i], ((p - o) ** 2).sum())


def test_nothing_varies_means_undefined(scorer):
    assert np.isnan(scorer.scores(np.zeros_like(scorer.observed))["r"]).all()
    assert np.isnan(scorer.scores(scorer.additive)["rho_nonadd"]).all()


def test_a_clamped_gene_does_not_count(scorer, rng):
    shift = rng.standard_normal(scorer.observed.shape)
    wild, tame = (scorer.scores(np.where(scorer.free, shift, value)) for value in (1e6, 0.0))
    for name, values in wild.items():
        np.testing.assert_array_equal(values, tame[name])


def test_retrieval_against_scipy(scorer, rng):
    shift = scorer.observed + rng.standard_normal(scorer.observed.shape)
    genes = scorer.free.all(0)
    similar = 1 - cdist(shift[:, genes], scorer.observed[:, genes], "cosine")
    rank = np.array([stats.rankdata(-row)[i] for i, row in enumerate(similar)])
    np.testing.assert_array_equal(scorer.scores(shift)["top1"], rank == 1)
    np.testing.assert_array_equal(scorer.scores(shift)["top5"], rank <= 5)


def test_intervals_against_a_loop(scorer, rng):
    values = rng.standard_normal(12)
    found = scorer.mean(values)
    loop = [values[d].mean() for d in scorer.draws]
    # Hesterberg (2015): percentiles of the normal distribution where Student's t, widened by sqrt(n / (n - 1)), lies.
    low = stats.norm.cdf(stats.t.ppf(0.025, 11) * np.sqrt(12 / 11))
    np.testing.assert_allclose(found, (values.mean(), *np.quantile(loop, [low, 1 - low])))
    above, below = rng.random((2, 12)) + 0.5
    ratios = [1 - above[d].sum() / below[d].sum() for d in scorer.draws]
    np.testing.assert_allclose(
        scorer.ratio(above, below), (1 - above.sum() / below.sum(), *np.quantile(ratios, [low, 1 - low]))
    )
    two = np.stack([below, below[::-1]])
    ratios = [1 - above[d].sum() / min(below[d].sum(), below[::-1][d].sum()) for d in scorer.draws]
    np.testing.assert_allclose(
        scorer.ratio(above, two), (1 - above.sum() / below.sum(), *np.quantile(ratios, [low, 1 - low]))
    )


def test_no_interval_from_four_combinations(scorer, rng):
    few = scorer.within(np.arange(12) < 4)
    values = rng.random(4)
    assert np.isfinite(few.mean(values).value)
    assert np.isnan(few.mean(values)[1:]).all()
    assert np.isnan(few.ratio(values, np.ones(4))[1:]).all()


@pytest.mark.parametrize("n", [6, 31])
def test_intervals_of_skill_hold_the_truth(n):
    """Errors of a prediction as good as the null: plain percentiles call it better or worse 15 % of the time at n = 6."""
    rng = np.random.default_rng(4)
    wrong = better = 0
    for _ in range(1500):
        null = rng.lognormal(0, 0.7, n)
        own = null * np.exp(0.15 * rng.standard_normal(n) - 0.15**2 / 2)
        empty = np.zeros((n, 1))
        found = Scorer(empty, empty, empty == 0, rng.random((300, n))).ratio(own, null)
        wrong += not found.low <= 0 <= found.high
        better += found.low > 0
    assert wrong / 1500 < 0.1
    assert better / 1500 < 0.07


def test_undefined_values_are_left_out(scorer):
    values = np.r_[1.0, 3.0, np.full(10, np.nan)]
    assert scorer.mean(values).value == 2
    assert np.isnan(scorer.mean(np.full(12, np.nan))).all()


def test_within_scores_only_the_chosen(scorer, rng):
    shift = rng.standard_normal(scorer.observed.shape)
    chosen = np.arange(12) < 5
    within = scorer.within(chosen)
    np.testing.assert_allclose(within.scores(shift[chosen])["r"], scorer.scores(shift)["r"][chosen])
    assert within.draws.max() == 4
    assert within.draws.shape == (4000, 5)


def test_scales_come_from_other_combinations(rng):
    observed = rng.standard_normal((10, 30))
    free = np.ones(observed.shape, bool)
    np.testing.assert_allclose(scale_across(2 * observed, observed, free, rng), observed, rtol=1e-12)
    # Were the own combination used, its outlier would change its own scale.
    shift = observed.copy()
    before = scale_across(shift, observed, free, np.random.default_rng(3))[0] / shift[0]
    changed = observed.copy()
    changed[0] *= 100
    after = scale_across(shift, changed, free, np.random.default_rng(3))[0] / shift[0]
    np.testing.assert_allclose(before, after)
