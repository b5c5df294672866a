"""Draws of control cells, and the bases of gene space."""

import numpy as np
import pytest
import scipy.sparse as sp

import scclamp as sc_c
from scclamp._assignment import assign
from scclamp.tl._transmission_parts import Controls, bases_of


@pytest.fixture
def adata():
    return sc_c.datasets.simulated("tiny")


@pytest.mark.parametrize("layout", [sp.csr_matrix, sp.csc_matrix, lambda X: X.toarray()], ids=["csr", "csc", "dense"])
def test_draws_are_control_cells_without_repeats(adata, layout):
    adata.X = layout(adata.X)
    cells = assign(adata, train_fraction=1.0, rng=0)
    drawn = Controls.draw(adata, None, cells, 5, 4, np.random.default_rng(0))
    assert len(np.unique(drawn.rows, axis=0)) == len(drawn.rows) < 20, "a cell that two draws share is there once"
    X = adata.X if isinstance(adata.X, np.ndarray) else adata.X.toarray()
    known = X[(adata.obs["perturbation"] == "control").to_numpy()]
    at = [np.flatnonzero((known == row).all(1)) for row in drawn.rows[drawn.which]]
    assert all(len(found) == 1 for found in at)
    seeds = np.array(at).reshape(4, 5)
    assert all(len(set(seed)) == 5 for seed in seeds)
    assert len({tuple(seed) for seed in seeds}) > 1


def test_fewer_cells_than_asked_are_all_drawn(adata):
    cells = assign(adata, train_fraction=1.0, rng=0)
    n = int((adata.obs["perturbation"] == "control").sum())
    assert Controls.draw(adata, None, cells, 10 * n, 2, np.random.default_rng(0)).per_seed == n


def test_bases_are_orthonormal_and_span_what_they_should(adata):
    cells = assign(adata, train_fraction=1.0, rng=0)
    rng = np.random.default_rng(0)
    shifts = rng.normal(size=(4, 3)) @ rng.normal(size=(3, adata.n_vars))
    alpha, gamma = bases_of(("alpha", "gamma"), shifts, adata, cells=cells)
    for basis in (alpha, gamma):
        np.testing.assert_allclose(basis.directions @ basis.directions.T, np.eye(len(basis.directions)), atol=1e-9)
        assert basis.scale == np.median(np.linalg.norm(shifts, axis=1))
    assert len(gamma.directions) == 3, "one of the four shifts is a sum of the others"
    np.testing.assert_allclose(shifts @ gamma.directions.T @ gamma.directions, shifts, atol=1e-9)
    control = adata.X.toarray()[(adata.obs["perturbation"] == "control").to_numpy()]
    scores = (control - control.mean(0)) @ alpha.directions.T
    variance = scores.var(0)
    assert (np.diff(variance) < 1e-9).all()
    np.testing.assert_allclose(variance.sum(), control.astype(float).var(0).sum(), rtol=1e-6)
