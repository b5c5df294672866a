"""Cosine of shifts, against scipy."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cosine

from scclamp.metrics import cosine_delta


def test_against_scipy(screen):
    found = cosine_delta(screen.predicted, screen.observed, control=screen.control, exclude=screen.exclude)
    for row, value in enumerate(found):
        x, y = ((a[row] - screen.control)[screen.kept(row)] for a in (screen.predicted, screen.observed))
        np.testing.assert_allclose(value, 1 - cosine(x, y), atol=1e-12)


def test_no_shift_has_no_direction(screen):
    assert np.isnan(cosine_delta(screen.control[None], screen.observed[:1], control=screen.control)).all()
