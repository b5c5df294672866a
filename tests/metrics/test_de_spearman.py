"""Rank correlation over significant genes, against scipy."""

from __future__ import annotations

import numpy as np
from scipy import stats

from scclamp.metrics import de_spearman


def test_against_scipy(screen):
    significant = np.random.default_rng(5).random((9, 60)) < 0.3
    predicted = np.round(screen.predicted, 1)
    found = de_spearman(
        predicted, screen.observed, control=screen.control, significant=significant, exclude=screen.exclude
    )
    for row, value in enumerate(found):
        genes = significant[row] & screen.kept(row)
        x, y = predicted[row] - screen.control, screen.observed[row] - screen.control
        np.testing.assert_allclose(value, stats.spearmanr(x[genes], y[genes]).statistic, atol=1e-12)


def test_undefined(screen):
    one = np.arange(60) == 7
    args = {"control": screen.control}
    assert np.isnan(de_spearman(screen.predicted, screen.observed, significant=one, **args)).all()
    assert np.isnan(de_spearman(np.tile(screen.control, (9, 1)), screen.observed, **args)).all()


def test_shifts_that_differ_by_rounding_are_tied():
    rng = np.random.default_rng(3)
    predicted, observed, control = (rng.integers(0, 6, size=(20, 30)) for _ in range(3))
    expected = [stats.spearmanr(p - c, o - c).statistic for p, o, c in zip(predicted, observed, control, strict=True)]
    for dtype in (np.float64, np.float32):
        tenths = [(each / 10).astype(dtype) for each in (predicted, observed, control)]
        found = de_spearman(*tenths[:2], control=tenths[2])
        np.testing.assert_allclose(found, expected, atol=1e-12)
