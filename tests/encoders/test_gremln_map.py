"""The whole map against numpy: its own ranks, softmax and, for the network, the dense exponential."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from scipy.sparse.csgraph import laplacian
from scipy.special import erf

from scclamp.encoders._genes import GeneMapping
from scclamp.encoders._gremln_graph import Diffusion
from scclamp.encoders._gremln_map import GREmLNMap
from scclamp.encoders._gremln_model import GREmLNModel, GREmLNSizes

N_BINS, G = 9, 14
AT = np.array([i for i in range(G) if i not in (2, 9)])
K = len(AT)
CELL = 19


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = GREmLNModel(GREmLNSizes(20, N_BINS + 3, 4, 4, 12, 2, 2)).double()
    with torch.no_grad():
        for p in model.parameters():
            p *= 2
        model.gene_embedding.weight[0] = 0
        model.rank_embedding.weight[N_BINS] = 0
    return model


@pytest.fixture(scope="module")
def states():
    rng = np.random.default_rng(0)
    return np.where(rng.random((5, G)) < np.linspace(0.35, 0.9, 5)[:, None], rng.gamma(2.0, 1.0, (5, G)), 0.0)


@pytest.fixture(scope="module")
def edges():
    rng = np.random.default_rng(2)
    pairs = np.array([(i, j) for i in range(K - 2) for j in range(i) if rng.random() < 0.4]).T
    return np.concatenate([pairs, pairs[::-1]], 1)


def make(model, edges=None, **settings):
    tokens = np.full(G, -1)
    tokens[AT] = np.arange(2, 2 + K)[::-1]
    parity = settings.get("parity", False)
    settings = {"temperature": 0.0, "zeros": True, "target_sum": 1e4, "parity": False, "embedding": "mean"} | settings
    diffusion = None if edges is None else Diffusion(edges, np.ones(edges.shape[1]), K, beta=0.8, parity=parity)
    mapping = GeneMapping(tuple(f"G{i}" for i in range(G)), tokens)
    return GREmLNMap(model, mapping, diffusion, cell=CELL, **settings).double().eval().requires_grad_(False)


def binned(cell):
    found = np.zeros(K, dtype=int)
    cpm = np.log1p(np.expm1(cell[AT]) * 100)
    at = cpm.nonzero()[0]
    found[at] = np.digitize(cpm[at], np.quantile(cpm[at], np.linspace(0, 1, N_BINS))[1:-1], right=True) + 1
    return found


def norm(x, w, stem):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * w[f"{stem}.weight"] + w[f"{stem}.bias"]


def gelu(x):
    return x * (1 + erf(x / np.sqrt(2))) / 2


def forward(model, genes, ranks, kernel=None, n_pad=0):
    """Hidden states of one cell: explicit softmax, gene by gene tables; padding behind the genes."""
    w = {name: value.numpy() for name, value in model.state_dict().items()}
    tokens = np.r_[CELL, genes, np.zeros(n_pad, dtype=int)]
    ranks = np.r_[N_BINS + 2, ranks, np.full(n_pad, N_BINS)]
    x = np.concatenate([w["gene_embedding.weight"][tokens], w["rank_embedding.weight"][ranks]], 1)
    for i in range(2):
        stem = f"transformer_encoder.{i}"
        q, k, v = np.split(x @ w[f"{stem}.wqkv.Wqkv.weight"].T + w[f"{stem}.wqkv.Wqkv.bias"], 3, 1)
        n = len(genes)
        if kernel is not None:
            q = np.concatenate([q[:1], kernel @ q[1 : n + 1], np.zeros_like(q[n + 1 :])])
        mixed = []
        for head in (slice(0, 4), slice(4, 8)):
            score = np.exp(q[:, head] @ k[:, head].T / 2)
            mixed.append(score / score.sum(1, keepdims=True) @ v[:, head])
        out = np.concatenate(mixed, 1) @ w[f"{stem}.self_attention.out_proj.weight"].T
        x = norm(x + out + w[f"{stem}.self_attention.out_proj.bias"], w, f"{stem}.ln1")
        hidden = gelu(x @ w[f"{stem}.ff.0.weight"].T + w[f"{stem}.ff.0.bias"])
        x = norm(x + hidden @ w[f"{stem}.ff.2.weight"].T + w[f"{stem}.ff.2.bias"], w, f"{stem}.ln2")
    return x


def kernel_of(edges, at, *, parity=False, beta=0.8):
    A = np.zeros((K, K))
    A[tuple(edges)] = 1
    A = A[np.ix_(at, at)]
    if not parity:
        return expm(-beta * laplacian(A, normed=True))
    scale = 1 / np.sqrt(np.maximum(A.sum(1), 1e-8))
    L = np.eye(len(at)) - scale[:, None] * A * scale
    # Unhalved: once more half the constant term, exp(-beta) I_0(beta).
    angle = np.pi * (np.arange(1, 201) - 0.5) / 200
    return expm(-beta * L) + np.eye(len(at)) * np.exp(-beta * (np.cos(angle) + 1)).mean()


@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("with_network", [True, False])
def test_embeddings_are_those_of_numpy(model, states, edges, zeros, with_network):
    genes = np.arange(2, 2 + K)[::-1]
    x = torch.as_tensor(states)
    settings = {"edges": edges if with_network else None, "zeros": zeros}
    found = {e: make(model, embedding=e, **settings)(x).numpy() for e in ("mean", "cls", "mean_cls")}
    for i, cell in enumerate(states):
        ranks = binned(cell)
        at = np.arange(K) if zeros else np.flatnonzero(ranks)
        hidden = forward(model, genes[at], ranks[at], kernel_of(edges, at) if with_network else None)
        np.testing.assert_allclose(found["mean"][i], hidden[1:].mean(0), atol=1e-8)
        np.testing.assert_allclose(found["cls"][i], hidden[0], atol=1e-8)
        np.testing.assert_allclose(found["mean_cls"][i], hidden.mean(0), atol=1e-8)


def test_parity_is_the_public_code_with_its_padding(model, states, edges):
    genes = np.arange(2, 2 + K)[::-1]
    known = np.isin(np.arange(K), edges)
    ranks = [binned(cell) for cell in states]
    read = [np.flatnonzero((rank > 0) & known) for rank in ranks]
    longest = max(map(len, read))
    assert len({len(at) for at in read}) > 1
    found = {
        e: make(model, edges, embedding=e, parity=True, zeros=False)(torch.as_tensor(states)).numpy()
        for e in ("cls", "mean", "mean_cls")
    }
    for i, at in enumerate(read):
        kernel = kernel_of(edges, at, parity=True)
        hidden = forward(model, genes[at], ranks[i][at], kernel, n_pad=longest - len(at))
        n = len(at)
        np.testing.assert_allclose(found["cls"][i], hidden[0], atol=1e-7)
        np.testing.assert_allclose(found["mean"][i], hidden[1:n].mean(0), atol=1e-7)
        np.testing.assert_allclose(found["mean_cls"][i], hidden[:n].mean(0), atol=1e-7)


@pytest.mark.parametrize("zeros", [True, False])
def test_cells_do_not_see_each_other(model, states, edges, zeros):
    x = torch.as_tensor(states)
    function = make(model, edges, zeros=zeros)
    apart = torch.cat([function(cell[None]) for cell in x])
    torch.testing.assert_close(function(x), apart, atol=1e-12, rtol=0)
    quirky = make(model, edges, zeros=False, parity=True)
    assert (quirky(x) - torch.cat([quirky(cell[None]) for cell in x])).abs().max() > 1e-3


@pytest.mark.parametrize("zeros", [True, False])
def test_soft_ranks_have_true_gradients(model, states, edges, zeros):
    x = torch.as_tensor(states[:2]).requires_grad_()
    function = make(model, edges, zeros=zeros, temperature=0.5)
    # Zeros are an edge of the domain: below them nothing changes.
    positive = torch.as_tensor(states[:2] > 0)
    assert torch.autograd.gradcheck(lambda y: function(torch.where(positive, y, 0.0)), x)


def test_exact_ranks_have_the_gradient_of_lines_between_embeddings(model, states):
    x = torch.as_tensor(states[4:5]).requires_grad_()
    function = make(model)
    (found,) = torch.autograd.grad(function(x).square().sum(), x)
    assert found[x > 0].count_nonzero() >= (x[:, AT] > 0).sum() - 1
    assert not found[:, [2, 9]].any()
    assert not found[x == 0].any()


def test_reconstruction_is_the_mean_rank_and_its_quantile(model, states, edges):
    x = torch.as_tensor(states)
    function = make(model, edges, zeros=False)
    rank, values = function.reconstruct(x).numpy(), function.reconstruct(x, space="expression").numpy()
    w = {name: value.numpy() for name, value in model.state_dict().items()}
    genes = np.arange(2, 2 + K)[::-1]
    for i, cell in enumerate(states):
        ranks = binned(cell)
        at = np.flatnonzero(ranks)
        hidden = forward(model, genes[at], ranks[at], kernel_of(edges, at))[1:]
        stem = "rank_prediction_head.net"
        y = gelu(norm(hidden @ w[f"{stem}.0.weight"].T + w[f"{stem}.0.bias"], w, f"{stem}.1"))
        chance = np.exp(y @ w[f"{stem}.3.weight"].T + w[f"{stem}.3.bias"])[:, :N_BINS]
        wanted = chance @ np.arange(N_BINS) / chance.sum(1)
        np.testing.assert_allclose(rank[i, AT[at]], wanted, atol=1e-7)
        assert np.isnan(np.delete(rank[i], AT[at])).all()
        cpm = np.log1p(np.expm1(cell[AT][at]) * 100)
        edge = np.quantile(cpm, np.linspace(0, 1, N_BINS))
        back = np.interp(np.clip(wanted - 0.5, 0.5, N_BINS - 1.5), np.arange(N_BINS), edge) * np.minimum(wanted, 1)
        np.testing.assert_allclose(values[i, AT[at]], np.log1p(np.expm1(back) / 100), atol=1e-7)


def test_longest_cells_are_cut_to_the_highest_ranks(model, states, edges, monkeypatch):
    monkeypatch.setattr("scclamp.encoders._gremln_map.RELEASED_LENGTH", 4)
    _, present, _ = make(model, edges, zeros=False, parity=True)._hidden(torch.as_tensor(states))
    known = np.isin(np.arange(K), edges)
    for row, cell in zip(present.numpy(), states, strict=True):
        ranks = np.where(known, binned(cell), 0)
        kept = sorted(np.flatnonzero(ranks), key=lambda g: (-ranks[g], g))[:4]
        assert sorted(kept) == np.flatnonzero(row).tolist()
