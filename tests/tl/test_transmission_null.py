"""Shifts of shuffled labels, against means of the same groups by numpy."""

import anndata as ad
import numpy as np
import pytest

import scclamp as sc_c
from scclamp._assignment import assign
from scclamp.tl._transmission_null import Shuffled


@pytest.fixture(scope="module")
def adata():
    return sc_c.datasets.simulated("tiny")


def test_labels_change_places_among_controls_and_single_genes(adata):
    cells = assign(adata, train_fraction=1.0, rng=0)
    found = Shuffled.draw(adata, cells, np.ones((8, adata.n_vars)), np.random.default_rng(3))
    X, labels = adata.X.toarray().astype(float), adata.obs["perturbation"].astype(str).to_numpy()
    at = np.array([k for k, label in enumerate(labels) if "+" not in label])
    moved = labels.copy()
    moved[at] = np.random.default_rng(3).permutation(labels[at])
    singles = sorted(set(labels[at]) - {"control"})
    expected = np.stack([X[moved == name].mean(0) for name in singles]) - X[moved == "control"].mean(0)
    np.testing.assert_allclose(found.shifts, expected, atol=1e-6)
    observed = np.stack([X[labels == name].mean(0) for name in singles]) - X[labels == "control"].mean(0)
    assert 0 < np.square(found.shifts).sum() < 0.2 * np.square(observed).sum(), "what is left is noise"


def test_directions_are_orthonormal_and_span_them(adata):
    cells = assign(adata, train_fraction=1.0, rng=0)
    found = Shuffled.draw(adata, cells, np.ones((8, adata.n_vars)), np.random.default_rng(0))
    V = found.directions
    np.testing.assert_allclose(V @ V.T, np.eye(len(V)), atol=1e-9)
    np.testing.assert_allclose(found.shifts @ V.T @ V, found.shifts, atol=1e-9)


def test_means_leave_nothing_to_shuffle(adata):
    labels = adata.obs["perturbation"].astype(str)
    names = ["control", *sorted(name for name in set(labels) if "+" not in name and name != "control")]
    X = adata.X.toarray()
    means = ad.AnnData(np.stack([X[labels == name].mean(0) for name in names]), var=adata.var[[]])
    means.obs["perturbation"] = names
    cells = assign(means, train_fraction=1.0, rng=0)
    found = Shuffled.draw(means, cells, means.X[1:] - means.X[0], np.random.default_rng(0))
    assert found.shifts.shape == found.directions.shape == (0, adata.n_vars)
