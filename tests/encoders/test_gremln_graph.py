"""The Chebyshev sum against the dense exponential of scipy's Laplacian."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.linalg import expm
from scipy.sparse.csgraph import laplacian

from scclamp._errors import InputError, InputWarning
from scclamp.encoders._gremln_graph import Diffusion, chebyshev, read_network

N = 12


@pytest.fixture
def network():
    """Directed edges among ten of twelve genes, and present genes of four cells."""
    rng = np.random.default_rng(0)
    edges = np.array([(i, j) for i in range(10) for j in range(10) if i != j and rng.random() < 0.25]).T
    present = rng.random((4, N)) < 0.7
    present[0] = True
    return edges, rng.normal(size=edges.shape[1]), present, rng.normal(size=(4, N, 3))


def strongest(edges, weights):
    """Dense symmetric matrix with the stronger of both directions."""
    A = np.zeros((N, N))
    A[tuple(edges)] = weights
    return np.where(np.abs(A) >= np.abs(A.T), A, A.T)


def signed_laplacian(A):
    degree = np.abs(A).sum(1)
    scale = np.divide(1, np.sqrt(degree), out=np.zeros(len(A)), where=degree > 0)
    return np.diag((degree > 0).astype(float)) - scale[:, None] * A * scale


@pytest.mark.parametrize("beta", [0.1, 2.0])
def test_kernel_is_the_exponential_of_the_laplacian_of_the_genes_that_are_there(network, beta):
    edges, weights, present, q = network
    diffusion = Diffusion(edges, np.abs(weights), N, beta=beta)
    found = diffusion(torch.as_tensor(q), torch.as_tensor(present)).numpy()
    A = strongest(edges, np.abs(weights))
    for cell in range(4):
        at = np.flatnonzero(present[cell])
        wanted = expm(-beta * laplacian(A[np.ix_(at, at)], normed=True)) @ q[cell, at]
        np.testing.assert_allclose(found[cell, at], wanted, rtol=0, atol=1e-9)
        assert not np.delete(found[cell], at, 0).any()


def test_signed_networks(network):
    edges, weights, _, q = network
    found = Diffusion(edges, weights, N, beta=0.7)(torch.as_tensor(q), torch.ones(4, N, dtype=torch.bool)).numpy()
    wanted = np.einsum("ij,cjd->cid", expm(-0.7 * signed_laplacian(strongest(edges, weights))), q)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)
    unsigned = Diffusion(edges, np.abs(weights), N, beta=0.7)(torch.as_tensor(q), torch.ones(4, N, dtype=torch.bool))
    assert np.abs(found - unsigned.numpy()).max() > 0.1


def test_direction_and_repetition_do_not_matter(network):
    edges, weights, present, q = network
    both = np.concatenate([edges, edges[::-1], edges], 1)
    args = torch.as_tensor(q), torch.as_tensor(present)
    torch.testing.assert_close(Diffusion(both, np.tile(weights, 3), N)(*args), Diffusion(edges, weights, N)(*args))


def test_opposite_listings_of_a_pair_cancel():
    edges = np.array([[0, 1, 1], [1, 0, 2]])
    diffusion = Diffusion(edges, np.array([1.0, -1.0, 0.5]), 3)
    assert diffusion.edges.tolist() == [[1, 2], [2, 1]]


@pytest.mark.parametrize("beta", [0.1, 1.0, 10.0])
def test_coefficients_and_their_number(beta):
    a = np.linspace(-1, 1, 41)
    order = len(Diffusion(np.array([[0], [1]]), np.ones(1), 2, beta=beta).coefficients) - 1
    error = np.abs(np.polynomial.chebyshev.chebval(a, chebyshev(beta, order)) - np.exp(-beta * (1 - a))).max()
    assert error < 1.1e-10
    if order > 2:
        shorter = np.polynomial.chebyshev.chebval(a, chebyshev(beta, order - 1))
        assert np.abs(shorter - np.exp(-beta * (1 - a))).max() > 1e-10
    # The appendix of the paper finds them by quadrature.
    angle = np.pi * (np.arange(1, 401) - 0.5) / 400
    k = np.arange(order + 1)[:, None]
    quadrature = 2 / 400 * (np.exp(-beta * (np.cos(angle) + 1)) * np.cos(k * angle)).sum(1)
    np.testing.assert_allclose(chebyshev(beta, order, halved=False) * (-1.0) ** k[:, 0], quadrature, atol=1e-12)


def recurrence(A, q, beta=0.1):
    """The public code's kernel: out-degrees, an unhalved constant term, 64 terms from 100 points."""
    degree = np.maximum(A.sum(1), 1e-8)
    L = -A / np.sqrt(degree)[:, None] / np.sqrt(degree)
    angle = np.pi * (np.arange(1, 101) - 0.5) / 100
    c = 2 / 100 * (np.cos(np.arange(65)[:, None] * angle) @ np.exp(-beta * (np.cos(angle) + 1)))
    before, now = q, L @ q
    total = c[0] * before + c[1] * now
    for k in range(2, 65):
        before, now = now, 2 * L @ now - before
        total = total + c[k] * now
    return total


def test_parity_repeats_the_public_recurrence(network):
    edges, _, present, q = network
    both = np.unique(np.concatenate([edges, edges[::-1]], 1), axis=1)
    repeated = np.concatenate([both, both[:, :5], both[::-1, :5]], 1)
    found = Diffusion(repeated, np.ones(repeated.shape[1]), N, parity=True)(
        torch.as_tensor(q), torch.as_tensor(present)
    )
    A = np.zeros((N, N))
    np.add.at(A, tuple(repeated), 1.0)
    for cell in range(4):
        at = np.flatnonzero(present[cell])
        np.testing.assert_allclose(found[cell, at], recurrence(A[np.ix_(at, at)], q[cell, at]), atol=1e-10)


def test_parity_without_any_edge_makes_every_gene_its_own_neighbour():
    q = torch.randn(1, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    diffusion = Diffusion(np.array([[0, 1], [1, 0]]), np.ones(2), 3, parity=True)
    apart = diffusion(q, torch.tensor([[True, False, True]]))[0, [0, 2]]
    np.testing.assert_allclose(apart, recurrence(np.eye(2), q[0, [0, 2]].numpy()), atol=1e-12)


def test_parity_warns_of_sinks_which_explode():
    edges = np.array([[0, 1, 0], [1, 0, 2]])
    with pytest.warns(InputWarning, match="1 genes that have no outgoing edge"):
        diffusion = Diffusion(edges, np.ones(3), 3, parity=True)
    q = torch.ones(1, 3, 1, dtype=torch.float64)
    assert diffusion(q, torch.ones(1, 3, dtype=torch.bool)).abs().max() > 100


# torch itself, when it loads what forward mode needs.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
def test_derivatives_forward_and_backward(network):
    edges, weights, present, q = network
    diffusion = Diffusion(edges, weights, N)
    here = torch.as_tensor(present)
    x, v = torch.as_tensor(q), torch.ones(4, N, 3, dtype=torch.float64)
    torch.testing.assert_close(torch.func.jvp(lambda x: diffusion(x, here), (x,), (v,))[1], diffusion(v, here))
    assert torch.autograd.gradcheck(lambda x: diffusion(x, here), x.requires_grad_())


def test_tables_are_read():
    table = pd.DataFrame({"source": ["A", "B", "A", "X"], "target": ["B", "B", "C", "A"], "weight": [-2.0, 1, 3, 1]})
    places = {"A": 0, "B": 1, "C": 2}
    edges, weights = read_network(table, places, signed=True)
    assert edges.tolist() == [[0, 0], [1, 2]]
    assert weights.tolist() == [-2, 3]
    assert read_network(table, places, signed=False)[1].tolist() == [2, 3]
    assert read_network(table[["source", "target"]], places, signed=True)[1].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"tf": ["A"], "target": ["B"]}), "network has the columns 'tf', 'target'"),
        ([("A", "B")], "of no table"),
        (pd.DataFrame({"source": ["a"], "target": ["b"]}), "none of its 1 edges"),
        (pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [np.nan]}), "NaN or infinity"),
    ],
)
def test_wrong_tables_are_named(table, message):
    with pytest.raises(InputError, match=message):
        read_network(table, {"A": 0, "B": 1}, signed=True)


def test_wrong_settings_are_named():
    for settings in ({"beta": 0}, {"beta": np.inf}, {"order": 0}):
        with pytest.raises(InputError, match=next(iter(settings))):
            Diffusion(np.array([[0], [1]]), np.ones(1), 2, **settings)
