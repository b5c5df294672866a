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
