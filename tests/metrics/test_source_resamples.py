"""Resamples of sources against average precision of the pairs written out as often as they were drawn."""

import numpy as np
import pytest

from scclamp.metrics import _source_resamples as resamples
from scclamp.metrics import auprc


@pytest.mark.parametrize("at_once", [1, 1_000_000])
def test_weights_are_repetitions(monkeypatch, at_once):
    monkeypatch.setattr(resamples, "_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    source = rng.integers(6, size=80)
    scores, labels = rng.integers(10, size=80).astype(float), rng.random(80) < 0.3
    counts = resamples.source_counts(6, 20, rng)
    assert (counts.sum(1) == 6).all()
    found = resamples.resampled_auprc(scores, labels, source, counts)
    share = resamples.resampled_chance(labels, source, counts)
    for count, area, chance in zip(counts, found, share, strict=True):
        rows = np.repeat(np.arange(80), count[source])
        assert area == pytest.approx(auprc(scores[rows], labels[rows]))
        assert chance == pytest.approx(labels[rows].mean())


def test_a_resample_without_an_edge_has_no_area():
    found = resamples.resampled_auprc(np.ones(2), np.array([True, False]), np.array([0, 1]), np.array([[0, 2], [2, 0]]))
    np.testing.assert_array_equal(found, [np.nan, 1])
