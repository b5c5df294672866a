"""Ranks against numpy's quantiles and digitize, as the public tokenizer uses them."""

import numpy as np
import pytest
import torch

from scclamp.encoders._gremln_ranks import ranks, values_of


def tokenized(cell, n_bins):
    """Written from the description of the tokenizer: inner quantiles of the non-zero values, right edges closed."""
    found = np.zeros(len(cell))
    at = cell.nonzero()[0]
    if len(np.unique(cell[at])) > 1:
        found[at] = np.digitize(cell[at], np.quantile(cell[at], np.linspace(0, 1, n_bins))[1:-1], right=True) + 1
    else:
        found[at] = round(n_bins / 2)
    return found


@pytest.fixture
def cells():
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.gamma(1, 2, (20, 1)), (20, 150)).astype(float)
    smooth = np.where(rng.random((20, 150)) < 0.5, rng.gamma(1.0, 1.0, (20, 150)), 0.0)
    edge = np.zeros((3, 150))
    edge[1, 4], edge[2, :7] = 2.0, 1.5
    return np.concatenate([counts, smooth, edge])


@pytest.mark.parametrize("n_bins", [4, 9, 100])
def test_ranks_are_those_of_numpy(cells, n_bins):
    found = ranks(torch.as_tensor(cells), n_bins).numpy()
    np.testing.assert_array_equal(found, [tokenized(cell, n_bins) for cell in cells])
    assert found.max() == n_bins - 1


def test_soft_ranks_have_true_gradients_and_harden():
    x = torch.as_tensor(np.random.default_rng(1).gamma(1.0, 1.0, (2, 9))).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: ranks(x, 6, temperature=0.5), x)
    # An edge on a value is half passed however hard the sigmoid is; 9 values and 5 steps have none inside but at the ends.
    torch.testing.assert_close(ranks(x, 6, temperature=1e-5), ranks(x, 6), atol=1e-6, rtol=0)


def test_slope_of_exact_ranks_is_that_of_the_line_between_edges():
    x = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0], dtype=torch.float64, requires_grad=True)
    # Five values and five edges: the edges are the values, and each value is the upper end of its bin.
    found = ranks(x, 5)
    assert found.tolist() == [1, 1, 2, 3, 4]
    (slope,) = torch.autograd.grad(found.sum(), x)
    np.testing.assert_allclose(slope, [1 / 1, 2 / 3, 1 / 2, 1 / 4, 1 / 8])


def test_nothing_and_sameness_have_no_slope():
    for values in ([0.0, 0.0, 0.0], [0.0, 2.0, 2.0], [-1.0, 0.0, 3.0]):
        x = torch.tensor(values, requires_grad=True)
        for temperature in (0.0, 0.5):
            (slope,) = torch.autograd.grad(ranks(x, 8, temperature=temperature).sum(), x)
            assert not slope.any()


def test_values_go_back_into_the_bin_they_came_from(cells):
    smooth = torch.as_tensor(cells[20:40])
    there = ranks(smooth, 100)
    back = values_of(there, smooth, 100).numpy()
    assert not back[smooth.numpy() == 0].any()
    for cell, rank, value in zip(smooth.numpy(), there.numpy().astype(int), back, strict=True):
        edges = np.quantile(cell[cell > 0], np.linspace(0, 1, 100))
        on = rank > 0
        np.testing.assert_allclose(value[on], (edges[rank[on] - 1] + edges[rank[on]]) / 2)
    assert not values_of(torch.full((1, 3), 40.0), torch.zeros(1, 5), 100).any()
