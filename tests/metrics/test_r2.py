"""Coefficient of determination, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

from scclamp.metrics import r2


def test_against_sklearn(screen):
    for control in (None, screen.control):
        found = r2(screen.predicted, screen.observed, control=control, exclude=screen.exclude)
        minus = 0.0 if control is None else control
        for row, value in enumerate(found):
            keep = screen.kept(row)
            x, y = ((a[row] - minus)[keep] for a in (screen.predicted, screen.observed))
            assert value == pytest.approx(r2_score(y, x), abs=1e-12)


def test_no_change_looks_good_on_expression_only(screen):
    still, seen = np.tile(screen.control, (9, 1)), screen.control + 0.1 * (screen.observed - screen.control)
    assert (r2(still, seen) > 0.98).all()
    assert (r2(still, seen, control=screen.control) <= 0).all()


def test_constant_observation_is_undefined():
    assert np.isnan(r2([[1.0, 2.0]], [[3.0, 3.0]]))
