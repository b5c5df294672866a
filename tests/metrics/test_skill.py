"""Skill over the strongest null."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.metrics import mse, skill


def test_is_pooled_over_conditions(screen):
    error, null = (mse(x, screen.observed) for x in (screen.predicted, np.tile(screen.control, (9, 1))))
    pooled = 1 - np.mean((screen.predicted - screen.observed) ** 2) / np.mean((screen.control - screen.observed) ** 2)
    assert skill(error, null) == pytest.approx(pooled)


def test_strongest_is_the_smallest_in_total():
    nulls = np.array([[1.0, 2.0], [5.0, 3.0]])
    assert skill([1.0, 1.0], nulls) == pytest.approx(1 - 2 / 5)
    assert skill(nulls[:, 1], nulls) == 0
    assert skill(nulls[:, 0], nulls) == pytest.approx(1 - 6 / 5)


@pytest.mark.parametrize(
    ("errors", "nulls"), [([1.0, np.nan], [1.0, 1.0]), ([1.0, 1.0], [np.inf, 1.0]), ([0.0, 0.0], [0.0, 0.0])]
)
def test_undefined(errors, nulls):
    assert np.isnan(skill(errors, nulls))


@pytest.mark.parametrize(
    ("errors", "nulls", "message"),
    [
        ([1.0], [1.0, 2.0], r"errors has shape \(1,\) and null_errors \(2,\)"),
        ([[1.0]], [[1.0]], "must hold one error for each condition"),
        ([], [], "must hold one error"),
        ([-1.0], [1.0], "errors holds -1,"),
        ([1.0], [[1.0, -2.0]], "null_errors holds -2,"),
    ],
)
def test_errors(errors, nulls, message):
    with pytest.raises(InputError, match=message):
        skill(errors, nulls)
