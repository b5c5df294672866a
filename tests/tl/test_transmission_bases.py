"""Bases of gene space, and the shifts of single genes behind them."""

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._assignment import assign
from scclamp.tl._transmission_bases import bases_of, shift_directions, single_shifts


@pytest.fixture
def adata():
    return sc_c.datasets.simulated("tiny")


def test_shifts_are_of_single_genes_from_the_control(adata):
    names, shifts = single_shifts(sc_c.Conditions.from_anndata(adata, train_fraction=1.0, rng=0))
    labels, X = adata.obs["perturbation"].astype(str).to_numpy(), adata.X.toarray().astype(float)
    assert names == sorted({label for label in labels if "+" not in label} - {"control"})
    expected = [X[labels == name].mean(0) - X[labels == "control"].mean(0) for name in names]
    np.testing.assert_allclose(shifts, expected, rtol=1e-6, atol=1e-9)


def test_directions_go_where_the_perturbations_go():
    shifts = np.random.default_rng(1).normal(size=(3, 6))
    assert ((shifts @ shift_directions(shifts).T).sum(0) >= 0).all()
    np.testing.assert_allclose(shift_directions(-shifts), -shift_directions(shifts), atol=1e-12)


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
