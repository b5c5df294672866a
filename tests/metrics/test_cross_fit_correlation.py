"""The interaction score: nothing for noise, everything for the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scclamp._errors import InputError
from scclamp.metrics import cross_fit_correlation, replicate_ceiling


def test_against_scipy(screen):
    rng = np.random.default_rng(0)
    predicted, observed = rng.normal(size=(2, 2, 9, 60)) + screen.observed
    found = cross_fit_correlation(predicted, observed, exclude=screen.exclude)
    for row, value in enumerate(found):
        keep = screen.kept(row)
        crossed = [stats.pearsonr(predicted[h, row, keep], observed[1 - h, row, keep]).statistic for h in (0, 1)]
        assert value == pytest.approx(np.mean(crossed), abs=1e-12)
    alone = cross_fit_correlation(predicted[0], observed)
    np.testing.assert_allclose(alone, cross_fit_correlation(np.stack([predicted[0]] * 2), observed))


def test_noise_of_the_singles_earns_nothing():
    """Additive pairs, and a model that takes half of each single's noise for an interaction."""
    rng = np.random.default_rng(1)
    single_noise, double_noise = rng.normal(size=(2, 2, 60, 400))
    observed = double_noise - single_noise
    learned = -0.5 * single_noise
    same_cells = [stats.pearsonr(learned[0, row], observed[0, row]).statistic for row in range(60)]
    assert np.mean(same_cells) > 0.65
    assert abs(cross_fit_correlation(learned, observed).mean()) < 0.02


def test_the_truth_reaches_the_ceiling():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(60, 400))
    observed = truth + rng.normal(size=(2, 60, 400))
    ceiling = replicate_ceiling(observed, of="truth", factor=1)
    assert cross_fit_correlation(truth, observed).mean() == pytest.approx(ceiling.mean(), abs=0.01)


def test_no_interaction_has_no_score():
    observed = np.random.default_rng(3).normal(size=(2, 4, 10))
    assert np.isnan(cross_fit_correlation(np.zeros((4, 10)), observed)).all()


@pytest.mark.parametrize(
    ("predicted", "observed", "message"),
    [
        (np.ones((2, 4)), np.ones((2, 4)), "observed has shape"),
        (np.ones((3, 2, 4)), np.ones((2, 2, 4)), "predicted has shape"),
        (np.ones((3, 4)), np.ones((2, 2, 4)), r"predicted has shape \(3, 4\), but observed has \(2, 4\)"),
    ],
)
def test_errors(predicted, observed, message):
    with pytest.raises(InputError, match=message):
        cross_fit_correlation(predicted, observed)
