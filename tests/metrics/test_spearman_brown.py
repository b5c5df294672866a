"""The correction for length, by simulation and by its own composition."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.metrics import spearman_brown


def test_against_simulated_replicates():
    rng = np.random.default_rng(0)
    truth, noise = rng.normal(size=200_000), 1.5 * rng.normal(size=(12, 200_000))
    measured = truth + noise
    one = np.corrcoef(measured[0], measured[1])[0, 1]
    for size in (2, 3, 6):
        wholes = measured[:size].mean(axis=0), measured[size : 2 * size].mean(axis=0)
        assert spearman_brown(one, size) == pytest.approx(np.corrcoef(*wholes)[0, 1], abs=0.01)


def test_shape_and_composition():
    r = np.array([[0.1, 0.5], [1.0, 0.0]])
    np.testing.assert_allclose(spearman_brown(spearman_brown(r, 2), 3), spearman_brown(r, 6))
    np.testing.assert_allclose(spearman_brown(spearman_brown(r, 2), 0.5), r)


def test_below_zero_is_left_alone():
    np.testing.assert_array_equal(spearman_brown([-1.0, -0.3, np.nan]), [-1.0, -0.3, np.nan])


@pytest.mark.parametrize(
    ("arguments", "message"), [((1.1,), "holds 1.1"), ((0.5, 0.0), "factor=0.0"), ((0.5, np.inf), "factor=inf")]
)
def test_errors(arguments, message):
    with pytest.raises(InputError, match=message):
        spearman_brown(*arguments)
