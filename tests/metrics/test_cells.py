"""Distances between samples of cells, against scipy's, block by block."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from scclamp._errors import InputError
from scclamp.metrics import _cells
from scclamp.metrics._cells import as_samples, distance_blocks, mean_distance, mean_distance_within


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    return rng.normal(size=(13, 4)), rng.normal(1.0, 2.0, size=(9, 4))


@pytest.mark.parametrize("block", [1, 5, 1024])
def test_blocks_are_rows_of_the_matrix_of_distances(samples, monkeypatch, block):
    monkeypatch.setattr(_cells, "BLOCK", block)
    x, y = samples
    found = list(distance_blocks(x, y))
    assert [start for start, _ in found] == list(range(0, len(x), block))
    np.testing.assert_allclose(np.concatenate([each for _, each in found]), cdist(x, y), rtol=1e-12)


@pytest.mark.parametrize("block", [4, 1024])
def test_means_are_those_of_all_pairs(samples, monkeypatch, block):
    monkeypatch.setattr(_cells, "BLOCK", block)
    x, y = samples
    assert mean_distance(x, y) == pytest.approx(cdist(x, y).mean(), rel=1e-12)
    pairs = cdist(x, x)
    assert mean_distance_within(x, unbiased=False) == pytest.approx(pairs.mean(), rel=1e-12)
    others = pairs[~np.eye(len(x), dtype=bool)]
    assert mean_distance_within(x, unbiased=True) == pytest.approx(others.mean(), rel=1e-12)


def test_a_cell_has_no_distance_to_its_equal(samples):
    """The root of a rounding error would be a hundred million times as large."""
    x, _ = samples
    far = x + 1e3
    distances = np.concatenate([each for _, each in distance_blocks(far, far.copy())])
    assert (np.diag(distances) == 0).all()
    assert (distances[~np.eye(len(x), dtype=bool)] > 0).all()


def test_samples_far_from_zero_keep_their_digits(samples):
    x, y = samples
    near, far = (as_samples(x + shift, y + shift) for shift in (0.0, 1e7))
    np.testing.assert_allclose(mean_distance(*far), cdist(x, y).mean(), rtol=1e-7)
    np.testing.assert_allclose(near[0] - x, np.broadcast_to(-(x.mean(0) + y.mean(0)) / 2, x.shape), atol=1e-12)


@pytest.mark.parametrize(
    ("predicted", "observed", "message"),
    [
        ([1.0, 2.0], [[1.0]], r"predicted has shape \(2,\), but must be cells x features"),
        ([[1.0]], np.ones((0, 1)), "observed has shape"),
        ([[1.0, 2.0]], [[1.0]], "predicted has 2 features, but observed has 1"),
        ([[np.nan]], [[1.0]], "predicted"),
    ],
)
def test_what_is_no_pair_of_samples_is_named(predicted, observed, message):
    with pytest.raises(InputError, match=message):
        as_samples(predicted, observed)
