"""Signs, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.metrics import sign_accuracy

TRUTH = np.array([[2.0, -1.0], [0.0, 1.0], [-1.0, 1.0]])
SCORES = np.array([[0.9, 0.8], [-5.0, 0.7], [-0.6, 0.0]])


def test_over_all_edges():
    # Right: (0,0), (1,1), (2,0); wrong: (0,1) by sign, (2,1) by being zero.
    assert sign_accuracy(SCORES, TRUTH) == pytest.approx(3 / 5)


@pytest.mark.parametrize(("top_k", "expected"), [(1, np.nan), (2, 1.0), (3, 1 / 2), (4, 2 / 3), (6, 3 / 5)])
def test_over_the_top(top_k, expected):
    assert sign_accuracy(SCORES, TRUTH, top_k=top_k) == pytest.approx(expected, nan_ok=True)


def test_self_loops_and_candidates():
    assert sign_accuracy(SCORES, TRUTH, regulator_rows=[1, 0]) == pytest.approx(3 / 4)
    assert sign_accuracy(SCORES, TRUTH, regulator_rows=[-1, 0]) == pytest.approx(3 / 4)
    assert sign_accuracy(SCORES, TRUTH, candidates=TRUTH < 0) == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"top_k": 0}, "top_k=0"),
        ({"top_k": 7}, "6 pairs"),
        ({"top_k": 1.5}, "top_k=1.5"),
        ({"top_k": True}, "top_k=True"),
        ({"candidates": np.zeros((3, 2), bool)}, "no edge"),
        ({"candidates": np.ones((2, 2), bool)}, r"candidates has dtype bool and shape \(2, 2\)"),
        ({"regulator_rows": [0, 3]}, "from 0 to 2"),
        ({"regulator_rows": [0]}, "regulator_rows has 1 values"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(InputError, match=message):
        sign_accuracy(SCORES, TRUTH, **arguments)
