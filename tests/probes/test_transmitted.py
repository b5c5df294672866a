"""Answers of encoders to directions, where they are known in closed form or summed up one by one."""

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.probes import infinitesimal_transmission, transmission

G, N = 6, 5
_g = torch.Generator().manual_seed(0)
CELLS = torch.rand(N, G, generator=_g, dtype=torch.float64)
V = torch.linalg.qr(torch.randn(G, G, generator=_g, dtype=torch.float64))[0]
M = torch.randn(G, 4, generator=_g, dtype=torch.float64)


@pytest.mark.parametrize("batch_size", [None, 1, 7, 1000])
@pytest.mark.parametrize("scale", [1e-3, 0.7, 30.0])
def test_linear_maps_answer_with_their_norm(scale, batch_size):
    expected = np.linalg.norm(V.numpy() @ M.numpy(), axis=1)
    found = transmission(lambda x: x @ M + 3, CELLS, V, scale, batch_size=batch_size)
    np.testing.assert_allclose(found, np.broadcast_to(expected, (N, G)), rtol=1e-9)
    small = infinitesimal_transmission(lambda x: x @ M + 3, CELLS, V, batch_size=batch_size)
    np.testing.assert_allclose(small, np.broadcast_to(expected, (N, G)), rtol=1e-12)
    assert (transmission(lambda x: x, CELLS, V, scale) - 1).abs().max() < 1e-12


@pytest.mark.parametrize("batch_size", [None, 4])
def test_nonlinear_maps_are_asked_at_every_cell(batch_size):
    def encode(x):
        return torch.tanh(x @ M) ** 2

    found = transmission(encode, CELLS, V, 0.4, batch_size=batch_size)
    small = infinitesimal_transmission(encode, CELLS, V, batch_size=batch_size)
    for i, x in enumerate(CELLS):
        for k, v in enumerate(V):
            assert found[i, k] == pytest.approx(float((encode(x + 0.4 * v) - encode(x)).norm() / 0.4), rel=1e-12)
            J = torch.autograd.functional.jacobian(encode, x)
            assert small[i, k] == pytest.approx(float((J @ v).norm()), rel=1e-12)


def test_no_gradient_is_left_behind():
    module = torch.nn.Linear(G, 3).double()
    cells = CELLS.clone().requires_grad_()
    transmission(module, cells, V, 0.5)
    infinitesimal_transmission(module, cells, V)
    assert cells.grad is None
    assert all(p.grad is None for p in module.parameters())


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_step_without_length_is_refused(scale):
    with pytest.raises(InputError, match="scale="):
        transmission(lambda x: x, CELLS, V, scale)
