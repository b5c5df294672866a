"""Ceilings against replicates and a truth that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scclamp._errors import InputError
from scclamp.metrics import pearson_delta, replicate_ceiling


@pytest.fixture(scope="module")
def replicates():
    """Truth, and four halves of two experiments."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(50, 2000))
    return truth, truth + 2 * rng.normal(size=(4, 50, 2000))


def test_predicts_what_a_replicate_and_the_truth_reach(replicates):
    truth, halves = replicates
    first, second = halves[:2].mean(axis=0), halves[2:].mean(axis=0)
    zero = np.zeros(2000)
    reached = {
        ("replicate", 2): pearson_delta(second, first, control=zero),
        ("truth", 2): pearson_delta(truth, first, control=zero),
        ("replicate", 1): pearson_delta(halves[2], halves[0], control=zero),
        ("truth", 1): pearson_delta(truth, halves[0], control=zero),
    }
    for (of, factor), score in reached.items():
        found = replicate_ceiling(halves[:2], of=of, factor=factor)
        assert found.mean() == pytest.approx(score.mean(), abs=0.01)


def test_against_scipy(screen):
    halves = np.stack([screen.predicted, screen.observed])
    found = replicate_ceiling(halves, exclude=screen.exclude)
    for row, value in enumerate(found):
        r = stats.pearsonr(*halves[:, row, screen.kept(row)]).statistic
        assert value == pytest.approx(2 * r / (1 + r))


def test_opposite_and_constant_halves():
    x = np.array([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]])
    y = np.array([[-1.0, -2.0, -4.0], [3.0, 3.0, 3.0]])
    for of in ("replicate", "truth"):
        np.testing.assert_allclose(replicate_ceiling([x, y], of=of), [-1, np.nan])


@pytest.mark.parametrize(
    ("halves", "options", "message"),
    [
        (np.ones((2, 3)), {}, r"observed has shape \(2, 3\), but must be 2 halves"),
        (np.ones((3, 2, 4)), {}, r"observed has shape \(3, 2, 4\)"),
        (np.ones((2, 2, 4)), {"of": "model"}, "of='model' is not known"),
    ],
)
def test_errors(halves, options, message):
    with pytest.raises(InputError, match=message):
        replicate_ceiling(halves, **options)
