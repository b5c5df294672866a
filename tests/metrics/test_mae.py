"""Absolute error, against scikit-learn."""

from __future__ import annotations

import pytest
from sklearn.metrics import mean_absolute_error

from scclamp.metrics import mae


def test_against_sklearn(screen):
    for row, value in enumerate(mae(screen.predicted, screen.observed, exclude=screen.exclude)):
        keep = screen.kept(row)
        assert value == pytest.approx(mean_absolute_error(screen.observed[row, keep], screen.predicted[row, keep]))
