"""Eq. 6 of the paper, against scipy."""

from __future__ import annotations

import numpy as np
from scipy import stats

from scclamp.metrics import pearson_delta, rho


def test_against_scipy(screen):
    own = screen.control + np.sin(np.arange(60))
    found = rho(
        screen.predicted, screen.observed, control=screen.control, predicted_control=own, exclude=screen.exclude
    )
    for row, value in enumerate(found):
        keep = screen.kept(row)
        x, y = screen.predicted[row] - own, screen.observed[row] - screen.control
        np.testing.assert_allclose(value, stats.pearsonr(x[keep], y[keep]).statistic, atol=1e-12)


def test_an_error_shared_with_the_predicted_control_cancels(screen):
    bias = 2 * np.cos(np.arange(60))
    args = {"control": screen.control}
    biased = rho(screen.predicted + bias, screen.observed, predicted_control=screen.control + bias, **args)
    np.testing.assert_allclose(biased, rho(screen.predicted, screen.observed, **args))
    assert (pearson_delta(screen.predicted + bias, screen.observed, **args) < biased).all()
