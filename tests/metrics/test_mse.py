"""Squared error, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from scclamp.metrics import l2, mse


def test_against_sklearn(screen):
    for row, value in enumerate(mse(screen.predicted, screen.observed, exclude=screen.exclude)):
        keep = screen.kept(row)
        assert value == pytest.approx(mean_squared_error(screen.observed[row, keep], screen.predicted[row, keep]))


def test_times_the_number_of_genes_is_the_square_of_the_distance(screen):
    total = mse(screen.predicted, screen.observed) * 60
    np.testing.assert_allclose(total, l2(screen.predicted, screen.observed) ** 2)
