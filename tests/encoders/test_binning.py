import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders._binning import STEEPEST, quantile_bins, quantile_edges


def cells(n_cells=5, n_genes=73, seed=0):
    rng = np.random.default_rng(seed)
    return rng.gamma(1.0, 1.0, (n_cells, n_genes)) * (rng.random((n_cells, n_genes)) < 0.7)


@pytest.mark.parametrize("n_edges", [3, 11, 50])
def test_edges_are_quantiles_of_what_is_not_zero(n_edges):
    drawn = np.vstack([cells(), np.zeros(73), np.eye(73)[0]])
    found = quantile_edges(torch.as_tensor(drawn), n_edges)
    steps = np.linspace(0, 1, n_edges)
    wanted = [np.quantile(cell[cell > 0], steps) if cell.any() else np.ones(n_edges) for cell in drawn]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def by_numpy(row, n_bins):
    """What scGPT does for one cell, without its lots for ties."""
    bins = np.zeros(len(row))
    positive = row > 0
    edges = np.quantile(row[positive], np.linspace(0, 1, n_bins - 1))
    bins[positive] = np.digitize(row[positive], edges)
    return bins


@pytest.mark.parametrize("n_bins", [5, 51])
def test_bins_of_numpy(n_bins):
    X = cells()
    expected = np.stack([by_numpy(row, n_bins) for row in X])
    found = quantile_bins(torch.as_tensor(X), n_bins).numpy()
    # Where an edge falls on a value, numpy may be off by one rounding; not more often than it can.
    assert (found != expected).mean() < 0.02
    assert np.abs(found - expected).max() <= 1
    assert found.max(1).tolist() == [n_bins - 1] * len(X)
    np.testing.assert_array_equal(found == 0, X == 0)


def test_ties_as_numpy():
    X = np.round(cells() * 2)
    expected = np.stack([by_numpy(row, 51) for row in X])
    np.testing.assert_array_equal(quantile_bins(torch.as_tensor(X)), expected)
    np.testing.assert_array_equal(quantile_bins(torch.as_tensor(X).float()), expected)


def test_order_is_all_that_counts():
    X = torch.as_tensor(np.round(cells() * 2))
    torch.testing.assert_close(quantile_bins(3 * X), quantile_bins(X))
    shape = quantile_bins(X.reshape(5, 1, 73))
    torch.testing.assert_close(shape[:, 0], quantile_bins(X))


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_cells_without_spread(temperature):
    x = torch.tensor([[0.0, 0.0, 0.0], [0.0, 2.0, 2.0], [-1.0, 0.0, 3.0]], dtype=torch.float64, requires_grad=True)
    bins = quantile_bins(x, 11, temperature=temperature)
    assert bins.tolist() == [[0, 0, 0], [0, 10, 10], [0, 0, 10]]
    (gradient,) = torch.autograd.grad(bins.sum(), x)
    assert not gradient.any()


def test_exact_bins_have_the_slope_of_their_line():
    X = cells(2, 73, seed=3)
    x = torch.as_tensor(X).requires_grad_()
    bins = quantile_bins(x, 11)
    (gradient,) = torch.autograd.grad(bins.sum(), x)
    for row, slopes in zip(X, gradient.numpy(), strict=True):
        edges = np.quantile(row[row > 0], np.linspace(0, 1, 10))
        inside = (row > edges[0] * (1 + 1e-9)) & (row < edges[-1] * (1 - 1e-9))
        inside &= np.abs(row[:, None] - edges).min(1) > 1e-9
        eps = 1e-10
        line = (np.interp(row + eps, edges, np.arange(10)) - np.interp(row - eps, edges, np.arange(10))) / (2 * eps)
        assert inside.sum() > 30
        np.testing.assert_allclose(slopes[inside], line[inside], rtol=1e-4)
        np.testing.assert_allclose(slopes[row.argmax()], 1 / (edges[-1] - edges[-2]), rtol=1e-9)
        assert not slopes[row == 0].any()


def test_ties_and_near_ties_have_finite_slopes():
    X = np.array([1.0, 1.0, 1.0, 1.0, 2.0, 2.0 + 1e-15, 3.0, 4.0, 4.0, 4.0])
    x = torch.as_tensor(X).requires_grad_()
    (gradient,) = torch.autograd.grad(quantile_bins(x, 51).sum(), x)
    assert gradient.isfinite().all()
    assert (gradient >= 0).all()
    assert gradient.max() <= 51 * STEEPEST / (3 / 49)
    # At the top: from the last edge below 4 to the last edge of all.
    edges = np.quantile(X, np.linspace(0, 1, 50))
    below = (edges < 4).sum() - 1
    np.testing.assert_allclose(gradient[-1], (49 - below) / (4 - edges[below]))


def test_soft_bins_have_their_own_gradient():
    X = cells(2, 30)
    # At zero itself there is a step.
    x = torch.as_tensor(np.where(X > 0, X, -1.0)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: quantile_bins(x, 11, temperature=0.7), x, eps=1e-7, atol=1e-5)


def test_soft_bins_tend_to_exact_ones():
    x = torch.as_tensor(cells(3, 73))
    exact = quantile_bins(x, 11)
    apart = [(exact - quantile_bins(x, 11, temperature=t)).abs() for t in (1.0, 0.1, 1e-6)]
    assert apart[0].mean() > apart[1].mean() > apart[2].mean()
    # On an edge, as the extremes are, half of it counts.
    assert apart[2].max() <= 0.5
    assert (apart[2] > 0.01).double().mean() < 0.1


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_forward_mode_agrees_with_backward_mode(temperature):
    x = torch.as_tensor(cells(2, 30))
    v = torch.as_tensor(cells(2, 30, seed=1))

    def f(x):
        return quantile_bins(x, 11, temperature=temperature)

    value, forward = torch.func.jvp(f, (x,), (v,))
    torch.testing.assert_close(value, f(x))
    y = x.clone().requires_grad_()
    u = torch.as_tensor(cells(2, 30, seed=2))
    (backward,) = torch.autograd.grad(f(y), y, u)
    assert forward.abs().sum() > 0
    torch.testing.assert_close((forward * u).sum(), (backward * v).sum())


@pytest.mark.parametrize(
    ("settings", "message"), [({"n_bins": 2}, "n_bins=2"), ({"temperature": -1.0}, "temperature=-1.0")]
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(InputError, match=message):
        quantile_bins(torch.ones(3), **settings)
