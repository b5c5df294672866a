"""Moments of the counts against the negative binomial of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats

from scclamp.datasets import _counts
from scclamp.datasets._counts import draw_counts, draw_library_sizes, log_normalise

N = 40_000


def draw(rate, dispersion=0.0, dropout=0.0, depth=1.0, n=N):
    rng = np.random.default_rng(0)
    codes = np.zeros(n, dtype=np.int64)
    counts = draw_counts(np.array([rate]), codes, np.full(n, depth), dispersion=dispersion, dropout=dropout, rng=rng)
    return counts.toarray()


@pytest.mark.parametrize("dispersion", [0.0, 0.1, 1.5])
def test_moments(dispersion):
    rate, depth = [0.2, 2.0, 15.0], 2.0
    counts = draw(rate, dispersion, depth=depth)
    mean = depth * np.array(rate)
    variance = mean + dispersion * mean**2
    np.testing.assert_allclose(counts.mean(axis=0), mean, atol=5 * np.sqrt(variance.max() / N))
    np.testing.assert_allclose(counts.var(axis=0), variance, rtol=0.08)


def test_whole_distribution():
    mean, dispersion = 3.0, 0.4
    counts = draw([mean], dispersion).ravel()
    p = stats.nbinom.pmf(np.arange(12), 1 / dispersion, 1 / (1 + dispersion * mean))
    observed = np.bincount(counts, minlength=13)
    observed = np.append(observed[:12], observed[12:].sum())
    assert stats.chisquare(observed, np.append(p, 1 - p.sum()) * N).pvalue > 1e-3


def test_dropout_rate_falls_with_the_mean():
    rate = np.array([0.1, 1.0, 9.0])
    kept = draw(rate, dropout=0.5).mean(axis=0) / rate
    np.testing.assert_allclose(kept, 1 - 0.5 / (1 + rate), atol=0.03)


def test_chunks_do_not_matter_for_shape_or_codes(monkeypatch):
    monkeypatch.setattr(_counts, "CHUNK_ENTRIES", 7)
    codes = np.array([0, 1, 1, 0, 1], dtype=np.int64)
    counts = draw_counts(
        np.array([[0.0, 50.0], [80.0, 0.0]]),
        codes,
        np.ones(5),
        dispersion=0.0,
        dropout=0.0,
        rng=np.random.default_rng(0),
    )
    np.testing.assert_array_equal(counts.toarray()[:, 0] > 0, codes == 1)
    np.testing.assert_array_equal(counts.toarray()[:, 1] > 0, codes == 0)
    assert counts.dtype == np.int32
    assert counts.has_sorted_indices


def test_library_sizes():
    sizes = draw_library_sizes(N, 2000.0, 0.5, np.random.default_rng(0))
    assert sizes.mean() == pytest.approx(2000, rel=0.02)
    assert np.log(sizes).std() == pytest.approx(0.5, rel=0.03)
    assert (draw_library_sizes(3, 1e-3, 0.0, np.random.default_rng(0)) == 1).all()


def test_log_normalise():
    counts = sparse.csr_matrix(np.array([[0, 3], [5, 0]], dtype=np.int32))
    result = log_normalise(counts, np.array([10, 20]), 100.0)
    np.testing.assert_allclose(result.toarray(), np.log1p([[0, 30], [25, 0]]), rtol=1e-6)
