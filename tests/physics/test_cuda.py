"""The same code on a CUDA device."""

from __future__ import annotations

import pytest
import torch

from scclamp.physics import Anderson, Damped, Iterative, Newton, ReducedImplicit, Status, Unrolled, steady_state

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize(
    "adjoint",
    [ReducedImplicit(), ReducedImplicit(max_steps=0), Iterative(), Unrolled(80)],
    ids=["reduced", "direct", "iterative", "unrolled"],
)
@pytest.mark.parametrize(
    "solver", [Newton(tol=1e-12), Damped(1.0, 1e-12), Anderson(tol=1e-12)], ids=lambda s: type(s).__name__
)
def test_device_agrees_with_cpu(kind, solver, adjoint, make, clamp, gradients):
    dynamics = make(kind, batch=(2,), latent=1)
    mask, values = clamp(dynamics, C=5)
    results = []
    for device in ("cpu", "cuda"):
        dynamics = dynamics.to(device)
        given = values.to(device).requires_grad_()
        solution = steady_state(dynamics, mask.to(device), given, solver=solver, adjoint=adjoint)
        assert solution.value.device.type == device
        assert solution.converged.all()
        results.append((solution.value.detach().cpu(), gradients(dynamics, solution.value, given).cpu()))
    torch.testing.assert_close(*(r[0] for r in results), rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(*(r[1] for r in results), rtol=1e-7, atol=1e-8)


def test_device_names_what_is_not_finite_and_what_is_unstable(make, clamp):
    network = make("hill", batch=(2,), gain=0.5).cuda()
    mask, values = clamp(network.cpu(), C=3)
    network = network.cuda()
    with torch.no_grad():
        network.A[1] = -30
        network.b[1] = 20
    values[1] = torch.nan
    solution = steady_state(network, mask.cuda(), values.cuda())
    assert solution.status[0].tolist() == [Status.CONVERGED, Status.NONFINITE, Status.CONVERGED]
    assert solution.status[1, 0] != Status.CONVERGED
    assert solution.spectral_radius.shape == (2, 3)


def test_float32_on_the_device(make, clamp):
    network = make("hill", R=50, G=200, batch=(3,))
    mask, values = clamp(network, C=51)
    exact = steady_state(network, mask, values, solver=Newton(tol=1e-12)).value
    found = steady_state(network.float().cuda(), mask.cuda(), values.float().cuda())
    assert found.converged.all()
    assert (found.value.cpu() - exact).norm() / exact.norm() <= 1e-4
