"""Correlation of shifts, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scclamp._errors import InputError
from scclamp.metrics import pearson_delta


@pytest.mark.parametrize("top", [None, 20, 1000])
def test_against_scipy(screen, top):
    found = pearson_delta(screen.predicted, screen.observed, control=screen.control, top=top, exclude=screen.exclude)
    for row, value in enumerate(found):
        keep = np.flatnonzero(screen.kept(row))
        x, y = (a[row, keep] - screen.control[keep] for a in (screen.predicted, screen.observed))
        genes = np.argsort(-np.abs(y))[:top]
        assert value == pytest.approx(stats.pearsonr(x[genes], y[genes]).statistic, abs=1e-12)


def test_signs_count(screen):
    wrong = 2 * screen.control - screen.observed
    assert pearson_delta(wrong, screen.observed, control=screen.control) == pytest.approx(-1)


def test_no_change_has_no_correlation(screen):
    still = np.tile(screen.control, (9, 1))
    assert np.isnan(pearson_delta(still, screen.observed, control=screen.control)).all()


def test_top_must_be_whole(screen):
    with pytest.raises(InputError, match="top=0"):
        pearson_delta(screen.predicted, screen.observed, control=screen.control, top=0)
