"""Which genes of a state are read, and where they stand."""

import copy

import numpy as np
import pytest
import torch

from scclamp.encoders._geneformer_map import STEEPEST, GeneformerMap
from scclamp.encoders._geneformer_model import GeneformerConfig, GeneformerModel
from scclamp.encoders._geneformer_ranks import places
from scclamp.encoders._genes import GeneMapping

N = 14
MEDIANS = np.exp(np.random.default_rng(5).normal(size=N - 2)).tolist()
SETTINGS = {"n_tokens": 40, "layer": 2, "embedding": "mean", "temperature": 0.0, "zeros": False}


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return GeneformerModel(GeneformerConfig(30, 8, 2, 2, 12, 40, 2, "relu", 1e-12)).double().requires_grad_(False)


def make(model, special=(2, 3), **settings):
    tokens = np.arange(10, 10 + N)
    tokens[[3, 8]] = -1
    mapping = GeneMapping(tuple(f"G{i}" for i in range(N)), tokens)
    return GeneformerMap(model, mapping, MEDIANS, special, **SETTINGS | settings).double()


def states(n=3, seed=0, zeros=0.3):
    rng = np.random.default_rng(seed)
    return torch.as_tensor(rng.gamma(1.0, 1.0, (n, N)) * (rng.random((n, N)) > zeros))


def sorted_states(model, function, x, *, keep, special):
    """Hidden states of one cell whose genes are put in order, as the public code has them: no mask, no places out of order."""
    at = function.at.numpy()
    value = np.expm1(x.numpy()[at]) / np.array(MEDIANS)
    order = [i for i in np.argsort(-value, kind="stable") if value[i] > 0][:keep]
    ids = torch.as_tensor(np.arange(10, 10 + N)[at][order])
    if special:
        ids = torch.cat([torch.tensor([2]), ids, torch.tensor([3])])
    places = model.embeddings.position_embeddings.weight[: len(ids)]
    return model(ids, places[None], torch.ones(1, len(ids), dtype=torch.bool), n_layers=function.layer)[0]


@pytest.mark.parametrize("special", [(), (2, 3)])
@pytest.mark.parametrize("n_tokens", [40, 8])
@pytest.mark.parametrize("layer", [0, 2])
def test_order_of_tokens_is_no_matter(model, special, n_tokens, layer):
    x = states(6)
    function = make(model, special, n_tokens=n_tokens, layer=layer)
    assert not special or (make(model, special, embedding="cls")(x).std(0) > 0).all()
    for i, row in enumerate(x):
        expected = sorted_states(model, function, row, keep=n_tokens - len(special), special=special)
        genes = expected[1:-1] if special else expected
        torch.testing.assert_close(function(x)[i], genes.mean(0))
        if special:
            cls = make(model, special, n_tokens=n_tokens, layer=layer, embedding="cls")
            torch.testing.assert_close(cls(x)[i], expected[0])


@pytest.mark.parametrize("special", [(), (2, 3)])
def test_a_cell_without_genes(model, special):
    x = states(3)
    x[1] = 0
    x[1, [3, 8]] = 2.0
    x.requires_grad_()
    function = make(model, special)
    found = function(x)
    assert not found[1].any()
    torch.testing.assert_close(found[[0, 2]], function(x[[0, 2]]))
    (gradient,) = torch.autograd.grad(found.sum(), x)
    assert gradient.isfinite().all()
    assert not gradient[1].any()
    assert make(model, (2, 3), embedding="cls")(x)[1].isfinite().all()


def test_depth_and_sum_of_normalisation_cancel(model):
    fractions = states(4).expm1()
    for temperature in (0.0, 0.5):
        function = make(model, temperature=temperature)
        expected = function(fractions.log1p())
        for factor in (0.01, 30.0):
            torch.testing.assert_close(function((factor * fractions).log1p()), expected)


@pytest.mark.parametrize("special", [(), (2, 3)])
@pytest.mark.parametrize(("n_tokens", "zeros"), [(40, False), (8, False), (40, True), (8, True)])
def test_soft_places_have_their_own_gradient(model, special, n_tokens, zeros):
    x = states(2, zeros=0.2)
    # At zero itself there is a step; below it there is nothing.
    x = torch.where(x > 0, x, -1.0).requires_grad_()
    function = make(model, special, n_tokens=n_tokens, zeros=zeros, temperature=0.3)
    assert torch.autograd.gradcheck(function, x, eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.0, 0.05])
def test_genes_beyond_the_longest_sequence_are_not_read(model, temperature):
    x = states(2, zeros=0.0)
    function = make(model, (), n_tokens=4, temperature=temperature)
    value = x[:, function.at].expm1() / torch.tensor(MEDIANS)
    read = value >= value.topk(4).values[:, -1:]
    lower = x.clone()
    lower[:, function.at] = torch.where(read, x[:, function.at], 0.1 * x[:, function.at])
    torch.testing.assert_close(function(lower), function(x))
    (gradient,) = torch.autograd.grad(function(x.requires_grad_()).pow(3).sum(), x)
    assert gradient[:, function.at][read].any()
    assert not gradient[:, [3, 8]].any()


def test_zeros_stand_behind_all_others(model):
    x = states(1, zeros=0.0)[0]
    at = make(model).at
    x[at[:5]] = 0
    tokens, found, present = make(model, (), zeros=True)._sequence(x[None])
    assert present.all()
    assert found.rank[0, :5].tolist() == [9.0] * 5
    assert sorted(found.rank[0, 5:].tolist()) == list(range(7))
    without = make(model, ())._sequence(x[None])
    assert without[2][0].tolist() == [False] * 5 + [True] * 7
    torch.testing.assert_close(found.rank[0, 5:], without[1].rank[0, 5:])
    tokens, found, _ = make(model, (), zeros=True, n_tokens=9)._sequence(x[None])
    assert tokens[0].tolist() == [*(10 + at[:2]).tolist(), *(10 + at[5:]).tolist()]
    assert found.rank.max() == 8


def test_states_of_almost_nothing_have_finite_gradients(model):
    x = states(2, zeros=0.0).float()
    x[0, :4] = torch.tensor([1e-45, 1e-38, 1e-20, 1e-8])
    x.requires_grad_()
    for temperature in (0.0, 0.3, 3.0):
        function = make(copy.deepcopy(model), temperature=temperature).float()
        (gradient,) = torch.autograd.grad(function._sequence(x)[1].rank.square().sum(), x)
        assert gradient.isfinite().all()
        assert gradient[1].any()


def test_a_gene_that_is_all_but_silent_does_not_drown_others(model):
    function = make(model, ())
    x = states(2, zeros=0.0)
    x[:, ::2] *= 1e-6
    x.requires_grad_()
    u = torch.as_tensor(np.random.default_rng(1).normal(size=(2, N - 2)))
    (found,) = torch.autograd.grad(function._sequence(x)[1].rank, x, u)
    known = x.detach()[:, function.at]
    level = (known.expm1().log() - torch.tensor(MEDIANS).log()).requires_grad_()
    (of_level,) = torch.autograd.grad(places(level, known > 0).rank, level, u)
    slope = known.exp() / known.expm1()
    assert (slope > STEEPEST).any()
    torch.testing.assert_close(found[:, function.at], of_level * slope.clamp(max=STEEPEST))
