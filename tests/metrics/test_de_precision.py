"""Precision@N: the formula and the words."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp.metrics import de_overlap, de_precision

CONTROL = np.zeros(5)
OBSERVED = np.array([[5.0, -4.0, 3.0, -2.0, 1.0]])
PREDICTED = np.array([[0.1, 9.0, 0.0, 8.0, 7.0]])
TRUE = np.array([True, True, True, True, False])


def test_by_hand():
    # The two largest predicted are 1 and 3; the two largest observed 0 and 1.
    assert de_precision(PREDICTED, OBSERVED, control=CONTROL, n=2) == pytest.approx(1 / 2)
    assert de_precision(PREDICTED, OBSERVED, control=CONTROL, n=2, ranked_truth=False, significant=TRUE) == 1
    assert de_precision(PREDICTED, OBSERVED, control=CONTROL, n=3, ranked_truth=False, significant=TRUE) == (
        pytest.approx(2 / 3)
    )
    # Four genes are predicted to move: 0, 1, 3, 4, against 0, 1, 2, 3.
    assert de_precision(PREDICTED, OBSERVED, control=CONTROL, n=50) == pytest.approx(3 / 4)


def test_is_the_overlap_where_all_move(screen):
    args = {"control": screen.control, "n": 12}
    np.testing.assert_array_equal(
        de_precision(screen.predicted, screen.observed, **args), de_overlap(screen.predicted, screen.observed, **args)
    )


def test_predicting_nothing_has_no_precision(screen):
    assert np.isnan(de_precision(np.tile(screen.control, (9, 1)), screen.observed, control=screen.control)).all()
