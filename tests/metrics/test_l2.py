"""Euclidean distance, against scipy."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import euclidean

from scclamp.metrics import l2


def test_against_scipy(screen):
    found = l2(screen.predicted, screen.observed, exclude=screen.exclude)
    expected = [
        euclidean(p[~e], o[~e]) for p, o, e in zip(screen.predicted, screen.observed, screen.exclude, strict=True)
    ]
    np.testing.assert_allclose(found, expected)


def test_without_genes_there_is_no_error(screen):
    everything = np.ones(60, dtype=bool)
    assert np.isnan(l2(screen.predicted, screen.observed, exclude=everything)).all()
