"""Derivatives along directions against whole Jacobians, with and without forward mode."""

import numpy as np
import pytest
import torch

from scclamp.probes._derivative import along

_g = torch.Generator().manual_seed(0)
X, V = (torch.rand(5, 6, generator=_g, dtype=torch.float64) for _ in range(2))


class _NoForwardMode(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * 3 * x**2


def attention(x):
    tokens = x[:, None, :, None] * torch.linspace(-1, 2, 4, dtype=x.dtype)
    return torch.nn.functional.scaled_dot_product_attention(tokens, tokens, tokens).flatten(1)


@pytest.mark.parametrize("encode", [torch.sin, _NoForwardMode.apply, attention], ids=["sin", "cube", "attention"])
def test_product_of_each_state_with_its_direction(encode):
    found = along(encode, X, V)
    assert not found.requires_grad
    for x, v, derivative in zip(X, V, found, strict=True):
        step = 1e-6
        expected = (encode((x + step * v)[None]) - encode((x - step * v)[None]))[0] / (2 * step)
        np.testing.assert_allclose(derivative, expected, rtol=1e-6, atol=1e-9)


def frozen_branch(x):
    with torch.no_grad():
        scale = x.sum(-1, keepdim=True).exp()
    return scale * x**2


def frozen_without_forward_mode(x):
    return _NoForwardMode.apply(frozen_branch(x))


def frozen_in_place(x):
    y = 2 * x
    with torch.no_grad():
        y.mul_(x)
    return x * y


@pytest.mark.parametrize("encode", [frozen_branch, frozen_without_forward_mode, frozen_in_place])
def test_what_is_computed_without_gradients_is_constant_as_in_a_backward_pass(encode):
    found = along(encode, X, V)
    for x, v, derivative in zip(X, V, found, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda one: encode(one[None])[0], x)
        np.testing.assert_allclose(derivative, jacobian @ v, rtol=1e-9)


def test_a_map_that_stops_gradients_has_none_whichever_way_it_does():
    ways = [
        lambda x: 2 * x.detach(),
        torch.no_grad()(torch.sin),
        lambda x: torch.from_numpy(np.sin(x.detach().numpy())),
    ]
    for encode in ways:
        np.testing.assert_array_equal(along(encode, X, V), np.zeros_like(X))


def test_parameters_that_nobody_froze_leave_no_graph():
    assert not along(torch.nn.Linear(6, 2, dtype=torch.float64), X, V).requires_grad
