"""Energy distance against scipy in one dimension and by brute force in many."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from scclamp._errors import InputError
from scclamp.metrics import energy_distance


def test_is_the_square_of_scipys():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=300), rng.normal(0.5, 2, 200)
    assert energy_distance(x[:, None], y[:, None]) == pytest.approx(stats.energy_distance(x, y) ** 2, rel=1e-9)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_brute_force(offset):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(1100, 5)) + offset, rng.normal(0.2, 1, (30, 5)) + offset
    cross, own, other = cdist(x, y), cdist(x, x), cdist(y, y)
    assert energy_distance(x, y) == pytest.approx(2 * cross.mean() - own.mean() - other.mean(), rel=1e-8)
    unbiased = 2 * cross.mean() - own.sum() / (1100 * 1099) - other.sum() / (30 * 29)
    assert energy_distance(x, y, unbiased=True) == pytest.approx(unbiased, rel=1e-7)


def test_unbiased_is_zero_on_average_for_one_distribution():
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(200, 2, 20, 3))
    biased = np.mean([energy_distance(*pair) for pair in draws])
    unbiased = np.array([energy_distance(*pair, unbiased=True) for pair in draws])
    assert biased > 0.1
    assert abs(unbiased.mean()) < 4 * unbiased.std() / np.sqrt(200)


@pytest.mark.parametrize(
    ("predicted", "observed", "options", "message"),
    [
        (np.ones((2, 3)), np.ones((2, 2)), {}, "predicted has 3 features, but observed has 2"),
        (np.ones(3), np.ones((2, 3)), {}, r"predicted has shape \(3,\)"),
        (np.ones((2, 1)), np.empty((0, 1)), {}, r"observed has shape \(0, 1\)"),
        (np.ones((2, 1)), [[np.nan]], {}, "observed.*is not finite"),
        (np.ones((1, 1)), np.ones((2, 1)), {"unbiased": True}, "needs two cells"),
    ],
)
def test_errors(predicted, observed, options, message):
    with pytest.raises(InputError, match=message):
        energy_distance(predicted, observed, **options)
