"""Correlations of rows against scipy."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.spatial.distance import cosine

from scclamp.metrics._correlation import correlations, cosines
from scclamp.metrics._judged import judge


def test_against_scipy(screen):
    pair = judge(screen.predicted, screen.observed, exclude=screen.exclude)
    for row, (r, c) in enumerate(zip(correlations(pair), cosines(pair), strict=True)):
        x, y = screen.predicted[row, screen.kept(row)], screen.observed[row, screen.kept(row)]
        np.testing.assert_allclose(r, stats.pearsonr(x, y).statistic, rtol=1e-12)
        np.testing.assert_allclose(c, 1 - cosine(x, y), rtol=1e-12)


def test_tiny_and_huge_do_not_overflow():
    x = np.array([[1.0, 2.0, 4.0]])
    pair = judge(x * 1e-200, x * 1e200)
    np.testing.assert_allclose(correlations(pair), 1)
    np.testing.assert_allclose(cosines(pair), 1)


def test_undefined():
    x = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0], [0.0, 0.0, 0.0], [1.0, 2.0, 4.0]])
    one_gene = np.zeros((4, 3), dtype=bool)
    one_gene[3, 1:] = True
    pair = judge(x, np.tile(x[0], (4, 1)), exclude=one_gene)
    np.testing.assert_array_equal(np.isnan(correlations(pair)), [False, True, True, True])
    np.testing.assert_array_equal(np.isnan(cosines(pair)), [False, False, True, False])
