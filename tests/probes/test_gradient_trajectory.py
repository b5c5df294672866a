"""Slopes of reconstructed genes, against finite differences and whole Jacobians."""

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.probes import gradient_path, gradient_trajectory, path_of

G = 7
_g = torch.Generator().manual_seed(0)
W = torch.randn(G, G, generator=_g, dtype=torch.float64)
V = torch.randn(G, G, generator=_g, dtype=torch.float64)
STATE = torch.rand(G, generator=_g, dtype=torch.float64)
VALUES = torch.tensor([0.0, 0.3, 1.7, 4.0], dtype=torch.float64)
STATES = torch.rand(5, G, generator=_g, dtype=torch.float64)
FEW, MANY = torch.tensor([4, 0, 2]), torch.tensor([1, 4, 6, 5, 3])
ONE, ALL_BUT = torch.tensor([3]), torch.tensor([6, 0, 5, 1, 4, 2])
SIDES = [(FEW, MANY), (MANY, FEW), (ONE, ALL_BUT)]


def net(x):
    return torch.tanh(x @ W) @ V


def slope(state, i, targets, step=1e-6):
    """Central difference of the targets in one gene."""
    along = torch.zeros(G, dtype=torch.float64)
    along[i] = step
    return ((net(state + along) - net(state - along)) / (2 * step))[targets]


@pytest.mark.parametrize(("sources", "targets"), SIDES)
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_linear_maps_answer_with_their_weights(sources, targets, batch_size):
    weights = W[sources][:, targets]
    found = gradient_trajectory(lambda x: x @ W + 2, STATE, VALUES, sources, targets, batch_size=batch_size)
    np.testing.assert_array_equal(found, weights[:, :, None].expand(-1, -1, 4))
    found = gradient_path(lambda x: x @ W + 2, STATES, sources, targets, batch_size=batch_size)
    np.testing.assert_array_equal(found, weights[:, :, None].expand(-1, -1, 5))


@pytest.mark.parametrize(("sources", "targets"), SIDES)
def test_trajectory_is_the_slope_where_the_source_alone_has_the_value(sources, targets):
    found = gradient_trajectory(net, STATE, VALUES, sources, targets, batch_size=3)
    for a, i in enumerate(sources):
        for t, value in enumerate(VALUES):
            state = STATE.clone()
            state[i] = value
            np.testing.assert_allclose(found[a, :, t], slope(state, i, targets), atol=1e-8)


@pytest.mark.parametrize(("sources", "targets"), SIDES)
@pytest.mark.parametrize("batch_size", [2, 100])
def test_path_is_the_jacobian_at_each_state(sources, targets, batch_size):
    found = gradient_path(net, STATES, sources, targets, batch_size=batch_size)
    for t, state in enumerate(STATES):
        J = torch.autograd.functional.jacobian(net, state)
        np.testing.assert_allclose(found[:, :, t], J[targets][:, sources].T, atol=1e-13)
        np.testing.assert_allclose(found[0, :, t], slope(state, sources[0], targets), atol=1e-8)


def test_path_sums_to_the_difference_of_its_ends():
    genes = torch.arange(G)
    found = gradient_path(net, path_of(STATE, 400), genes, genes)
    total = (found.mean(-1) * STATE[:, None]).sum(0)
    np.testing.assert_allclose(total, net(STATE) - net(torch.zeros_like(STATE)), atol=1e-5)


def test_passes_are_backward_unless_sources_are_far_fewer():
    calls = []

    def reconstruct(x):
        calls.append((len(x), x.requires_grad))
        return net(x)

    # One pass tries whether there is a gradient at all.
    for sources, targets in ((MANY, FEW), (FEW, MANY)):
        gradient_path(reconstruct, STATES, sources, targets, batch_size=4)
        assert calls == [(1, True), (4, True), (1, True)]
        calls.clear()
    gradient_path(reconstruct, STATES, ONE, ALL_BUT, batch_size=4)
    assert calls == [(1, True), (4, False), (1, False)]


class _NoForwardMode(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * 3 * x**2


def test_operations_without_a_forward_mode_have_slopes():
    genes = torch.arange(G)
    found = gradient_trajectory(_NoForwardMode.apply, STATE, VALUES, genes, genes)
    expected = torch.eye(G, dtype=torch.float64)[:, :, None] * 3 * VALUES**2
    np.testing.assert_allclose(found, expected, atol=1e-13)


class _Attention(torch.nn.Module):
    """A token for each gene, its value added, two heads of fused attention, and a number for each."""

    def __init__(self):
        super().__init__()
        draw = torch.Generator().manual_seed(1)
        sizes = {"genes": (G, 8), "value": (1, 8), "project": (8, 24), "out": (8, 1)}
        weights = {name: torch.randn(size, generator=draw, dtype=torch.float64) for name, size in sizes.items()}
        self.weights = torch.nn.ParameterDict(weights).requires_grad_(False)

    def forward(self, x):
        tokens = self.weights["genes"] + x[..., None] @ self.weights["value"]
        parts = (tokens @ self.weights["project"]).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (2, 4)).transpose(-2, -3) for part in parts)
        mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(-2, -3).flatten(-2)
        return ((tokens + mixed) @ self.weights["out"])[..., 0]


@pytest.mark.parametrize(("sources", "targets"), SIDES)
def test_transformers_have_slopes_both_ways(sources, targets):
    module = _Attention()
    found = gradient_path(module, STATES, sources, targets)
    for t, state in enumerate(STATES):
        J = torch.autograd.functional.jacobian(lambda x: module(x[None])[0], state)
        np.testing.assert_allclose(found[:, :, t], J[targets][:, sources].T, atol=1e-11)


def test_genes_without_reconstruction_do_not_spoil_the_others():
    def reconstruct(x):
        out = torch.full_like(x, float("nan"))
        out[..., :-1] = net(x)[..., :-1]
        return out

    known = torch.arange(G - 1)
    for sources, targets in ((known, known), (known, known[:2])):
        found = gradient_path(reconstruct, STATES, sources, targets)
        np.testing.assert_array_equal(found, gradient_path(net, STATES, sources, targets))


@pytest.mark.parametrize("module", [torch.nn.Linear(G, G).double(), None])
def test_a_map_that_stops_gradients_is_refused(module):
    def reconstruct(x):
        return x.detach() if module is None else module(x.detach())

    for ask, at in ((gradient_path, (STATES,)), (gradient_trajectory, (STATE, VALUES))):
        with pytest.raises(InputError, match="stops gradients"):
            ask(reconstruct, *at, FEW, MANY)


def test_no_gradient_is_left_behind():
    module = torch.nn.Linear(G, G).double()
    for sources, targets in SIDES:
        assert not gradient_path(module, STATES, sources, targets).requires_grad
    assert all(p.grad is None for p in module.parameters())
