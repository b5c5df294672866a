import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from scclamp.tl._verdict import Scorer, correlate, effective_rank, scale_across, spearman_brown


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def scorer(rng):
    observed, additive = rng.standard_normal((2, 12, 40))
    free = rng.random((12, 40)) > 0.1
    return Scorer(observed, additive, free, rng.random((4000, 12)))


def test_correlations_against_scipy(scorer, rng):
    shift = rng.standard_normal(scorer.observed.shape)
    for i, keep in enumerate(scorer.free):
        p, o, a = shift[i, keep], scorer.observed[i, keep], scorer.additive[i, keep]
        np.testing.assert_allclose(scorer.r(shift)[i], stats.pearsonr(p, o).statistic)
        np.testing.assert_allclose(scorer.r_nonadditive(shift)[i], stats.pearsonr(p - a, o - a).statistic)
        np.testing.assert_allclose(scorer.errors(shift)[i], ((p - o) ** 2).sum())
        np.testing.assert_allclose(scorer.projection(shift)[i], (p - a) @ (o - a) / ((o - a) @ (o - a)))


def test_nothing_varies_means_undefined(scorer):
    assert np.isnan(scorer.r(np.zeros_like(scorer.observed))).all()
    assert np.isnan(scorer.r(np.full_like(scorer.observed, 3.3))).all()
    assert np.isnan(scorer.r_nonadditive(scorer.additive)).all()


def test_a_clamped_gene_does_not_count(scorer, rng):
    shift = rng.standard_normal(scorer.observed.shape)
    wild = np.where(scorer.free, shift, 1e6)
    for score in (scorer.r, scorer.r_nonadditive, scorer.errors, scorer.projection):
        np.testing.assert_array_equal(score(wild), score(shift))


def test_ranks_against_scipy(scorer, rng):
    shift = scorer.observed + rng.standard_normal(scorer.observed.shape)
    similar = 1 - cdist(shift, scorer.observed, "cosine")
    expected = [stats.rankdata(-row)[i] for i, row in enumerate(similar)]
    np.testing.assert_array_equal(scorer.rank(shift), expected)


def test_a_constant_prediction_has_the_middle_rank(scorer):
    assert (scorer.rank(np.zeros_like(scorer.observed)) == 6.5).all()


def test_intervals_against_a_loop(scorer, rng):
    values = rng.standard_normal(12)
    found = scorer.mean(values)
    loop = [values[d].mean() for d in scorer.draws]
    np.testing.assert_allclose(found, (values.mean(), *np.quantile(loop, [0.025, 0.975])))
    above, below = rng.random((2, 12)) + 0.5
    ratios = [1 - above[d].sum() / below[d].sum() for d in scorer.draws]
    np.testing.assert_allclose(
        scorer.ratio(above, below), (1 - above.sum() / below.sum(), *np.quantile(ratios, [0.025, 0.975]))
    )


def test_undefined_values_are_left_out(scorer):
    values = np.r_[1.0, 3.0, np.full(10, np.nan)]
    assert scorer.mean(values).value == 2
    assert np.isnan(scorer.mean(np.full(12, np.nan))).all()


def test_within_scores_only_the_chosen(scorer, rng):
    shift = rng.standard_normal(scorer.observed.shape)
    chosen = np.arange(12) < 5
    within = scorer.within(chosen)
    np.testing.assert_array_equal(within.r(shift[chosen]), scorer.r(shift)[chosen])
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


def test_effective_rank():
    np.testing.assert_allclose(effective_rank(np.eye(7)), 7)
    np.testing.assert_allclose(effective_rank(np.outer(np.arange(1, 4), np.ones(5))), 1)
    p = np.array([0.7, 0.2, 0.1])
    np.testing.assert_allclose(effective_rank(np.diag(p)), np.exp(stats.entropy(p)))


def test_spearman_brown_predicts_the_mean_of_two_halves(rng):
    signal = rng.standard_normal(200_000)
    a, b, c, d = signal + rng.standard_normal((4, len(signal)))
    half = np.corrcoef(a, b)[0, 1]
    np.testing.assert_allclose(spearman_brown(half), np.corrcoef((a + b) / 2, (c + d) / 2)[0, 1], atol=0.01)


def test_correlate_is_scale_free(rng):
    a, b = rng.standard_normal((2, 3, 9))
    free = np.ones(a.shape, bool)
    np.testing.assert_allclose(correlate(1e-8 * a, 1e6 * b + 5, free), correlate(a, b, free))
