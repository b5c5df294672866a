"""Ranks of genes against counting them, their surrogate gradient against finite steps."""

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders._geneformer_ranks import Places, embed, places, require_temperature


def cells(n_cells=4, n_genes=60, seed=0):
    rng = np.random.default_rng(seed)
    return torch.as_tensor(rng.normal(size=(n_cells, n_genes))), torch.as_tensor(rng.random((n_cells, n_genes)) < 0.8)


def counted(level, present, part=lambda gap: (gap > 0) + (gap == 0) / 2):
    """How many genes stand above each, of which each counts for a part by how far it is above."""
    gaps = np.asarray(level)[:, None, :] - np.asarray(level)[:, :, None]
    above = (part(gaps) * np.asarray(present)[:, None, :]).sum(-1) - 0.5
    return np.where(present, above, 0.0)


def width_of(level):
    """Silverman's rule for a box, on one cell."""
    ordered = np.sort(level)
    last = len(level) - 1
    box = np.sqrt(3) * 0.9 * (ordered[3 * last // 4] - ordered[last // 4]) / 1.349 * len(level) ** -0.2
    return max(box, (ordered[-1] - ordered[0]) / last)


@pytest.mark.parametrize("temperature", [0.0, 0.03, 0.4, 5.0])
def test_ranks_are_counts_of_the_genes_above(temperature):
    level, present = cells()
    level = (level * 8).round() / 8
    expected = counted(level, present)
    if temperature:
        expected = counted(level, present, lambda gap: np.clip(gap / (2 * temperature) + 0.5, 0, 1))
    found = places(level, present, temperature=temperature).rank
    np.testing.assert_allclose(found, expected, atol=1e-9)
    shifted = places((level + 100).float(), present, temperature=temperature).rank
    np.testing.assert_allclose(shifted, expected, atol=1e-3)


def test_soft_ranks_have_their_own_gradient():
    level, present = cells(2, 25)
    assert torch.autograd.gradcheck(lambda x: places(x, present, temperature=0.4).rank, level.requires_grad_())


@pytest.mark.parametrize("temperature", [0.0, 0.4])
def test_who_rises_lets_others_sink(temperature):
    level, present = cells()
    level.requires_grad_()
    rank = places(level, present, temperature=temperature).rank
    n = present.sum(-1).double()
    torch.testing.assert_close(rank.detach().sum(-1), n * (n - 1) / 2)
    (of_one,) = torch.autograd.grad(rank[0, present[0]][3], level, retain_graph=True)
    assert of_one.abs().sum() > 1
    (of_all,) = torch.autograd.grad(rank.sum(), level)
    torch.testing.assert_close(of_all, torch.zeros_like(of_all), atol=1e-9, rtol=0)
    assert not of_one[~present].any()


def test_exact_ranks_have_the_slope_of_a_finite_step():
    level = cells(1, 60, seed=3)[0]
    present = torch.ones_like(level, dtype=torch.bool)
    table = torch.as_tensor(np.random.default_rng(0).normal(size=(60, 3)))
    u, width = level[0].numpy(), width_of(level[0].numpy())

    def rank_after(i, step):
        return int((np.delete(u, i) > u[i] + step).sum())

    J = torch.autograd.functional.jacobian(lambda x: embed(table, places(x, present))[0], level)[:, :, 0]
    for i in range(60):
        up, down = rank_after(i, width), rank_after(i, -width)
        # The gene itself: where it would come to by a step as wide as the width, in both directions.
        step = (table[up] - table[down]) / (2 * width)
        torch.testing.assert_close(J[i, :, i], step)
        # The genes that it passes, each by one place.
        passed = (np.abs(u - u[i]) < width) & (np.arange(60) != i)
        expected = np.where(passed, 1 / (2 * width), 0.0) / max(down - up, 1)
        slope = np.asarray(table[down] - table[up])
        np.testing.assert_allclose(J[i].numpy(), np.outer(slope, expected) + np.outer(step, np.arange(60) == i))


def test_noise_of_the_table_does_not_rule_the_gradient():
    """A step of half a width changes rows as the gradient says, though neighbouring rows differ at random."""
    rng = np.random.default_rng(0)
    level = torch.as_tensor(rng.normal(size=(1, 400)))
    present = torch.ones_like(level, dtype=torch.bool)
    table = torch.as_tensor(np.linspace(0, 8, 400)[:, None] + 0.3 * rng.normal(size=(400, 1)))
    steps = torch.zeros_like(level)
    steps[0, ::20] = 0.2

    def rows(x):
        return embed(table, places(x, present))

    moved = (rows(level + steps) - rows(level))[0, ::20]
    told = torch.autograd.functional.jvp(rows, level, steps)[1][0, ::20]
    assert abs(told.sum() / moved.sum() - 1) < 0.2
    ranks = places(level, present).rank.long()
    neighbours = (table[(ranks + 1).clamp(max=399)] - table[(ranks - 1).clamp(min=0)]) / 2
    assert neighbours.std() > 5 * abs(neighbours.mean())


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
@pytest.mark.parametrize("temperature", [0.0, 0.4])
def test_forward_derivatives_are_those_of_backward(temperature):
    level, present = cells(2, 30)
    v, u = cells(2, 30, seed=1)[0], cells(2, 30, seed=2)[0]

    def f(x):
        return places(x, present, temperature=temperature).rank

    value, forward = torch.func.jvp(f, (level,), (v,))
    torch.testing.assert_close(value, f(level))
    (backward,) = torch.autograd.grad(f(level.requires_grad_()), level, u)
    assert forward.any()
    torch.testing.assert_close((forward * u).sum(), (backward * v).sum())


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_cells_without_spread_or_genes(temperature):
    level = torch.tensor([[1.0, 1.0, 1.0], [5.0, 1.0, 0.0], [2.0, 3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    present = torch.tensor([[True, True, True], [False, True, False], [False, False, False]])
    rank = places(level, present, temperature=temperature).rank
    assert rank.tolist() == [[1, 1, 1], [0, 0, 0], [0, 0, 0]]
    (gradient,) = torch.autograd.grad((rank * torch.tensor([1.0, 2.0, 4.0])).sum(), level)
    assert gradient.isfinite().all()
    assert not gradient[1:].any()


def test_a_gene_far_below_keeps_others_apart():
    """One level near the logarithm of nothing, as where a state falls to zero, makes no width of its own."""
    level = torch.cat([cells(1, 200)[0], torch.tensor([[-87.0]])], -1).float()
    at = places(level, torch.ones_like(level, dtype=torch.bool))
    assert at.rank[0, -1] == 200
    assert (at.last - at.first)[0, :-1].max() < 120


def test_rows_between_whole_places():
    table = torch.tensor([[0.0, 1.0], [2.0, 0.0], [3.0, 5.0]])
    rank = torch.tensor([[0.0, 0.25, 1.0, 1.5, 2.0]], requires_grad=True)
    found = embed(table, Places(rank))
    assert found[0].tolist() == [[0, 1], [0.5, 0.75], [2, 0], [2.5, 2.5], [3, 5]]
    (gradient,) = torch.autograd.grad(found[..., 0].sum(), rank)
    assert gradient.tolist() == [[2, 2, 1, 1, 1]]
    assert embed(table[:1], Places(torch.zeros(1, 1))).tolist() == [[[0, 1]]]


@pytest.mark.parametrize("temperature", [-0.1, float("inf"), float("nan")])
def test_temperatures_that_cannot_be(temperature):
    with pytest.raises(InputError, match="temperature="):
        require_temperature(temperature)
