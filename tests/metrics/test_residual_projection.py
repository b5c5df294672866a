"""Projection on the observed residual, by hand and by least squares."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp.metrics import residual_projection


def test_is_the_slope_of_the_predicted_on_the_observed_residual(screen):
    found = residual_projection(
        screen.predicted,
        screen.observed,
        control=screen.control,
        additive_shift=screen.additive,
        exclude=screen.exclude,
    )
    for row, value in enumerate(found):
        keep = screen.kept(row)
        x = (screen.predicted[row] - screen.control - screen.additive[row])[keep]
        y = (screen.observed[row] - screen.control - screen.additive[row])[keep]
        assert value == pytest.approx(np.linalg.lstsq(y[:, None], x)[0].item(), abs=1e-12)


def test_one_is_not_a_match():
    """The observed residual plus anything orthogonal to it."""
    zero = np.zeros((1, 2))
    found = residual_projection([[1.0, 100.0]], [[1.0, 0.0]], control=zero, additive_shift=zero)
    assert found == pytest.approx(1)


def test_no_change_scores_two_where_the_pair_does_half_of_the_sum(screen):
    still, half = np.tile(screen.control, (9, 1)), screen.control + screen.additive / 2
    args = {"control": screen.control, "additive_shift": screen.additive}
    assert residual_projection(still, half, **args) == pytest.approx(2)
    assert residual_projection(half, half, **args) == pytest.approx(1)


def test_additive_pair_is_undefined(screen):
    additive = screen.control + screen.additive
    found = residual_projection(screen.predicted, additive, control=screen.control, additive_shift=screen.additive)
    assert np.isnan(found).all()
