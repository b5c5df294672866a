import numpy as np
import pytest
import scipy.sparse as sp
import torch

from scclamp._assignment import assign
from scclamp._errors import InputError
from scclamp.encoders import PCA, _pca

D = 6


def _oracle(adata, cells, d):
    X = adata.X.toarray()[(cells.codes == 0) & (cells.roles == 0)].astype(float)
    _, s, V = np.linalg.svd(X - X.mean(0), full_matrices=False)
    return X.mean(0), V[:d].T, s


def _assert_same(pca, mean, V, atol):
    np.testing.assert_allclose(pca.mean, mean, atol=1e-12)
    np.testing.assert_allclose(pca.components.T @ pca.components, np.eye(V.shape[1]), atol=1e-10)
    np.testing.assert_allclose(np.abs((pca.components * V).sum(0)), 1.0, atol=atol)
    largest = np.abs(pca.components).argmax(0)
    assert (pca.components[largest, np.arange(V.shape[1])] > 0).all()


@pytest.mark.parametrize("chunk_size", [7, 4096])
@pytest.mark.parametrize("kind", ["dense", "csr", "csc", "backed", "layer", "f32"])
def test_components_are_those_of_the_svd(screen, tmp_path, kind, chunk_size):
    cells = assign(screen, rng=0)
    mean, V, _ = _oracle(screen, cells, D)
    adata, layer = screen.copy(), None
    if kind == "dense":
        adata.X = adata.X.toarray()
    elif kind == "csc":
        adata.X = sp.csc_matrix(adata.X)
    elif kind == "f32":
        adata.X = adata.X.astype(np.float32)
    elif kind == "layer":
        adata.layers["log"] = adata.X
        adata.X, layer = sp.csr_matrix(adata.shape), "log"
    elif kind == "backed":
        import anndata as ad

        adata.write_h5ad(tmp_path / "a.h5ad")
        adata = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    pca = PCA.from_data(adata, cells=cells, layer=layer, n_components=D, chunk_size=chunk_size)
    if kind == "f32":
        mean = pca.mean
    _assert_same(pca, mean, V, 1e-5 if kind == "f32" else 1e-9)
    if adata.isbacked:
        adata.file.close()


def test_the_randomised_path_finds_the_same(screen, monkeypatch, untouched_rng):
    monkeypatch.setattr(_pca, "EXACT_UP_TO", 10)
    cells = assign(screen, rng=0)
    mean, V, s = _oracle(screen, cells, D)
    with untouched_rng():
        pca = PCA.from_data(screen, cells=cells, n_components=D, rng=0)
    again = PCA.from_data(screen, cells=cells, n_components=D, rng=0)
    np.testing.assert_array_equal(pca.components, again.components)
    _assert_same(pca, mean, V, 1e-2)
    X = screen.X.toarray()[(cells.codes == 0) & (cells.roles == 0)] - mean
    np.testing.assert_allclose(((X @ pca.components) ** 2).sum(), (s[:D] ** 2).sum(), rtol=1e-4)


def test_no_more_components_than_control_cells_carry(screen):
    cells = assign(screen, rng=0)
    few = screen[np.r_[:20, 90:180]].copy()
    assert PCA.from_data(few, cells=assign(few, rng=0)).components.shape == (70, 15)
    assert PCA.from_data(screen, cells=cells).components.shape == (70, 70)


def test_one_row_per_condition_has_no_components(screen):
    rows = screen[[0, 90, 120, 150]].copy()
    with pytest.raises(InputError, match="encoder='pca' needs at least 2 control cells"):
        PCA.from_data(rows, cells=assign(rows, rng=0))


def test_gradient_and_precision():
    rng = np.random.default_rng(0)
    pca = PCA(np.linalg.qr(rng.standard_normal((9, 4)))[0], rng.standard_normal(9))
    x = torch.as_tensor(rng.standard_normal((2, 3, 9))).requires_grad_()
    assert torch.autograd.gradcheck(pca.encode, x)
    np.testing.assert_allclose(pca.encode(x).detach(), (x.detach().numpy() - pca.mean) @ pca.components, rtol=1e-12)
    assert pca.encode(x.float()).dtype == torch.float32


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((3, 2), (2,)), ((3, 2), (3, 1))])
def test_shapes_that_do_not_fit(shapes):
    with pytest.raises(InputError, match="do not fit"):
        PCA(np.zeros(shapes[0]), np.zeros(shapes[1]))


def test_one_line_makes_a_lens_of_few_components(screen):
    pca = PCA.from_data(screen, n_components=3)
    control = screen.X.toarray()[:90]
    mean = control.mean(0)
    V = np.linalg.svd(control - mean, full_matrices=False)[2][:3].T
    np.testing.assert_allclose(pca.components @ pca.components.T, V @ V.T, atol=1e-8)
    np.testing.assert_allclose(pca.mean, mean)
    other = screen.copy()
    other.obs = other.obs.replace("control", "base").rename(columns={"perturbation": "label"})
    again = PCA.from_data(other, perturbation_key="label", control="base", n_components=3)
    np.testing.assert_array_equal(again.components, pca.components)
    with pytest.raises(InputError, match="n_components=0"):
        PCA.from_data(screen, n_components=0)
