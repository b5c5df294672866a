from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, hypergeom

from scclamp._enrichment import bonferroni, coin_p, fold, overlap_p


def exact(overlap, n_drawn, set_size, panel):
    """Count the draws, in whole numbers."""
    draws = sum(
        comb(set_size, k) * comb(panel - set_size, n_drawn - k) for k in range(overlap, min(n_drawn, set_size) + 1)
    )
    return Fraction(draws, comb(panel, n_drawn))


@given(st.integers(1, 400), st.data())
def test_overlap_is_the_upper_tail(panel, data):
    n_drawn, set_size = data.draw(st.integers(0, panel)), data.draw(st.integers(0, panel))
    overlap = data.draw(st.integers(max(0, n_drawn + set_size - panel), min(n_drawn, set_size)))
    found = overlap_p(overlap, n_drawn, set_size, panel)
    np.testing.assert_allclose(found, float(exact(overlap, n_drawn, set_size, panel)), rtol=1e-10)


def test_overlap_broadcasts_and_agrees_with_scipy():
    overlap, size = np.arange(26)[:, None], np.array([25, 200, 900])
    found = overlap_p(overlap, 25, size, 2553)
    assert found.shape == (26, 3)
    np.testing.assert_allclose(found, hypergeom.sf(overlap - 1, 2553, size, 25), rtol=1e-9)
    assert (found[0] == 1).all()


# Table 3 of the paper says m = 8, its figures say 6: that many of the eight signatures keep five genes of the panel.
@pytest.mark.parametrize(
    ("overlap", "size", "n_tests", "ratio", "p"),
    [
        (10, 21, 6, 48.6, 2.1e-15),
        (10, 23, 6, 44.4, 6.6e-15),
        (8, 21, 6, 38.9, 2.8e-11),
        (1, 13, 6, 7.9, 0.72),
        (2, 21, 6, 9.7, 0.10),
        (8, 107, 685, 7.6, 3.0e-3),
        (16, 377, 685, 4.3, 1.5e-5),
        (7, 32, 685, 22.3, 6.8e-6),
        (6, 35, 685, 17.5, 4.3e-4),
        (9, 42, 49, 21.9, 3.0e-9),
        (8, 60, 49, 13.6, 2.2e-6),
        (5, 23, 575, 22.2, 1.0e-3),
    ],
)
def test_figures_of_the_paper(overlap, size, n_tests, ratio, p):
    assert fold(overlap, 25, size, 2553) == pytest.approx(ratio, abs=0.051)
    assert bonferroni(overlap_p(overlap, 25, size, 2553), n_tests) == pytest.approx(p, rel=0.05)


def test_the_first_figure_by_hand():
    by_hand = exact(10, 25, 21, 2553)
    assert float(8 * by_hand) == pytest.approx(2.7295e-15, rel=1e-4)
    assert overlap_p(10, 25, 21, 2553) == pytest.approx(float(by_hand), rel=1e-11)


def test_fold_of_nothing_is_missing():
    np.testing.assert_array_equal(fold([0, 0, 2], [0, 5, 5], [4, 0, 4], 20), [np.nan, np.nan, 2.0])


def test_bonferroni_stops_at_one():
    np.testing.assert_allclose(bonferroni([0.01, 0.3], 4), [0.04, 1.0])


@pytest.mark.parametrize("n", range(1, 8))
def test_coins_follow_the_binomial(n):
    for agree in range(n + 1):
        assert coin_p(agree, n) == pytest.approx(binomtest(agree, n, alternative="greater").pvalue)


def test_no_sign_has_no_p():
    assert np.isnan(coin_p(0, 0))
