"""Systema's correlation: only what is particular to a perturbation counts."""

from __future__ import annotations

import numpy as np
from scipy import stats

from scclamp.metrics import pearson_centroid, pearson_delta


def test_against_scipy(screen):
    centroid = screen.observed.mean(axis=0)
    found = pearson_centroid(screen.predicted, screen.observed, centroid=centroid)
    expected = [
        stats.pearsonr(p - centroid, o - centroid).statistic
        for p, o in zip(screen.predicted, screen.observed, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_mean_response_earns_nothing(screen):
    common = screen.observed + 3 * np.sin(np.arange(60))
    centroid = common.mean(axis=0)
    mean_response = np.tile(centroid, (9, 1))
    assert (pearson_delta(mean_response, common, control=screen.control) > 0.9).all()
    assert np.isnan(pearson_centroid(mean_response, common, centroid=centroid)).all()
