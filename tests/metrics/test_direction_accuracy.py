"""Signs of shifts, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.metrics import direction_accuracy

CONTROL = np.array([1.0, 1.0, 1.0, 1.0, 1.0])
OBSERVED = np.array([[5.0, 3.0, 0.0, 1.0, 0.5]])  # up, up, down, still, down
PREDICTED = np.array([[2.0, 0.0, 0.0, 3.0, 1.0]])  # right, wrong, right, -, says still


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 2 / 4),
        ({"top": 2}, 1 / 2),
        ({"top": 3}, 2 / 3),
        ({"top": 5}, 2 / 4),
        ({"exclude": np.array([False, True, False, False, False])}, 2 / 3),
        ({"significant": np.array([True, False, True, True, False])}, 1.0),
        ({"significant": np.array([True, True, False, True, False]), "top": 1}, 1.0),
        ({"significant": np.array([False, False, False, True, False])}, np.nan),
    ],
)
def test_by_hand(options, expected):
    found = direction_accuracy(PREDICTED, OBSERVED, control=CONTROL, **options)
    assert found == pytest.approx(expected, nan_ok=True)


def test_random_signs_are_half_right():
    rng = np.random.default_rng(0)
    found = direction_accuracy(rng.normal(size=(5, 5000)), rng.normal(size=(5, 5000)), control=np.zeros(5000))
    assert found.mean() == pytest.approx(0.5, abs=0.02)


def test_failed_prediction():
    assert np.isnan(direction_accuracy(PREDICTED * np.nan, OBSERVED, control=CONTROL))


def test_significant_must_be_a_mask():
    with pytest.raises(InputError, match="significant has dtype int64"):
        direction_accuracy(PREDICTED, OBSERVED, control=CONTROL, significant=[1, 2])
