"""Adjoint systems against numpy, gradients against unrolled iteration, and what the backward report says."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch

from scclamp._errors import ConvergenceWarning, InputError
from scclamp.physics import (
    BackwardReport,
    Damped,
    Dense,
    Factored,
    Iterative,
    Newton,
    ReducedImplicit,
    Status,
    Unrolled,
    steady_state,
)

EXACT = Newton(tol=1e-10)


def heterogeneous(seed: int, C: int = 12, R: int = 8, spread: float = 6.0) -> tuple[Factored, torch.Tensor]:
    """Conditions whose slopes differ by orders of magnitude and whose clamps differ: a poor case for a shared inverse."""
    g = torch.Generator().manual_seed(seed)
    A = torch.randn(R, R, generator=g, dtype=torch.float64) / R**0.5
    left, right = torch.rand(2, C, R, generator=g, dtype=torch.float64)
    left = left * 10 ** (spread * (torch.rand(C, 1, generator=g, dtype=torch.float64) - 0.7))
    left = left * (torch.rand(C, R, generator=g) > 0.3)
    return Factored(A, left, right), torch.randn(C, R, generator=g, dtype=torch.float64)


def dense_solution(M: Factored, v: torch.Tensor, tikhonov: float) -> np.ndarray:
    eye = (1 + tikhonov) * np.eye(v.shape[-1])
    return np.stack([np.linalg.solve(eye - m.T, r) for m, r in zip(M.dense().numpy(), v.numpy(), strict=True)])


@pytest.mark.parametrize("tikhonov", [0.0, 1e-8, 1e-2])
@pytest.mark.parametrize("max_steps", [0, 1, 12, 50])
def test_reduced_is_exact_for_heterogeneous_conditions(max_steps, tikhonov):
    fallbacks = 0
    for seed in range(30):
        M, v = heterogeneous(seed)
        report = BackwardReport()
        w = ReducedImplicit(tikhonov, max_steps=max_steps).solve(M, v, report).numpy()
        expected = dense_solution(M, v, tikhonov)
        condition = np.linalg.cond((1 + tikhonov) * np.eye(8) - M.dense().mT.numpy())
        error = np.abs(w - expected).max(-1) / np.abs(expected).max(-1)
        assert (error <= 1e-13 * condition).all(), (seed, error, condition)
        assert (report.residual.numpy() <= 1e-12 * condition).all()
        fallbacks += report.n_direct
    assert fallbacks > 0


def test_reduced_needs_no_direct_solve_for_similar_conditions():
    M, v = heterogeneous(0, spread=0.0)
    M = Factored(M.A, 0.5 + 0.01 * M.left, 0.5 + 0.01 * M.right)
    report = BackwardReport()
    w = ReducedImplicit().solve(M, v, report)
    np.testing.assert_allclose(w, dense_solution(M, v, 1e-8), rtol=1e-12, atol=1e-13)
    assert report.n_direct == 0
    assert 1 < report.iterations <= 12
    assert report.converged


@pytest.mark.parametrize("start", ["near", "far", "random", "nan"])
def test_what_it_starts_from_changes_the_time_and_not_the_answer(start):
    M, v = heterogeneous(2, spread=0.0)
    M = Factored(M.A, 0.5 + 0.01 * M.left, 0.5 + 0.01 * M.right)
    cold, warm = BackwardReport(), BackwardReport()
    ReducedImplicit().solve(M, v, cold)
    near = Factored(M.A * ((1 + 1e-6) if start == "near" else 3.0), M.left, M.right)
    before = BackwardReport()
    ReducedImplicit().solve(near, v, before)
    inverse, guess = before.inverse, before.solution
    if start == "random":
        inverse, guess = torch.randn_like(inverse), torch.randn_like(guess)
    elif start == "nan":
        inverse, guess = torch.full_like(inverse, torch.nan), torch.full_like(guess, torch.nan)
    w = ReducedImplicit(inverse=inverse, guess=guess).solve(M, v, warm)
    np.testing.assert_allclose(w, dense_solution(M, v, 1e-8), rtol=1e-11, atol=1e-12)
    assert warm.converged
    if start == "near":
        assert warm.iterations < cold.iterations
        assert warm.inverse is inverse
    else:
        assert warm.inverse is not inverse


def test_reduced_keeps_a_spoilt_condition_to_itself():
    M, v = heterogeneous(1)
    M.right[3] = torch.nan
    report = BackwardReport()
    w = ReducedImplicit().solve(M, v, report).numpy()
    others = np.arange(12) != 3
    expected = dense_solution(Factored(M.A, M.left[others], M.right[others]), v[others], 1e-8)
    np.testing.assert_allclose(w[others], expected, rtol=1e-9, atol=1e-11)
    assert np.isnan(w[3]).any()
    assert not report.converged


def test_a_singular_system_is_reported():
    report = BackwardReport()
    ReducedImplicit(0.0).solve(Dense(torch.eye(2).expand(3, 2, 2)), torch.ones(3, 2), report)
    assert not report.converged


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("radius", [0.1, 0.5, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("adjoint", [ReducedImplicit(0.0), Iterative()], ids=["reduced", "iterative"])
def test_backward_residual_is_small_up_to_the_stability_limit(adjoint, radius, dtype, record_property):
    g = torch.Generator().manual_seed(0)
    M = torch.randn(3, 20, 20, generator=g, dtype=torch.float64)
    M = M * radius / torch.linalg.eigvals(M).abs().amax(-1)[:, None, None]
    v = torch.randn(3, 20, generator=g, dtype=torch.float64)
    report = BackwardReport()
    w = adjoint.solve(Dense(M.to(dtype)), v.to(dtype), report)
    expected = torch.linalg.solve(torch.eye(20) - M.mT, v)
    eps = torch.finfo(dtype).eps
    record_property("largest residual", float(report.residual.max()))
    assert report.converged
    assert (report.residual <= 50 * eps * (1 + w.abs().amax(-1) / v.to(dtype).abs().amax(-1))).all()
    assert (w - expected).abs().max() <= 500 * eps / (1 - radius) * expected.abs().max()


def test_iterative_warns_when_starved_of_steps(make, clamp):
    network = make("hill", gain=1.0)
    solution = steady_state(network, *clamp(network), adjoint=Iterative(max_steps=2))
    with pytest.warns(ConvergenceWarning, match=r"4 condition.*max_steps|[123] condition.*max_steps"):
        solution.value.sum().backward()
    assert not solution.backward.converged
    assert (solution.backward.residual > 0).all()
    assert solution.backward.iterations == 2


def test_implicit_matches_unrolled_on_random_contractions(kind, make, clamp, gradients, record_property):
    worst = 0.0
    for seed in range(8):
        dynamics = make(kind, R=6, G=10, latent=seed % 2, seed=seed, gain=0.6)
        mask, values = clamp(dynamics, C=4, seed=seed)
        values.requires_grad_()
        reference = steady_state(dynamics, mask, values, solver=EXACT, adjoint=Unrolled(150))
        assert reference.converged.all()
        torch.testing.assert_close(
            reference.value[..., dynamics.rows[dynamics.measured]],
            reference.core[..., dynamics.measured],
            rtol=0,
            atol=1e-9,
        )
        expected = gradients(dynamics, reference.value, values)
        assert expected.norm() > 0
        for adjoint in (ReducedImplicit(), ReducedImplicit(max_steps=0), Iterative()):
            solution = steady_state(dynamics, mask, values, solver=EXACT, adjoint=adjoint)
            found = gradients(dynamics, solution.value, values)
            worst = max(worst, float((found - expected).norm() / expected.norm()))
            assert solution.backward.converged
    record_property("contractions", 8)
    record_property("largest relative error", worst)
    assert worst <= 1e-6, worst


def test_iterative_and_reduced_agree_without_regularisation(kind, make, clamp, gradients):
    dynamics = make(kind, batch=(2,), latent=1)
    mask, values = clamp(dynamics, C=5)
    values.requires_grad_()
    found = [
        gradients(dynamics, steady_state(dynamics, mask, values, solver=EXACT, adjoint=adjoint).value, values)
        for adjoint in (ReducedImplicit(0.0), Iterative())
    ]
    torch.testing.assert_close(*found, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("adjoint", [ReducedImplicit(), Iterative()], ids=["reduced", "iterative"])
def test_second_derivatives_are_refused(adjoint, make, clamp):
    network = make()
    solution = steady_state(network, *clamp(network), adjoint=adjoint)
    with pytest.raises(InputError, match="Unrolled"):
        torch.autograd.grad(solution.value.square().sum(), network.A, create_graph=True)


def test_unrolled_has_second_derivatives(make, clamp):
    network = make("hill", R=2, G=3)
    mask, values = clamp(network, C=2)

    def loss(A):
        return steady_state(network, mask, values, adjoint=Unrolled(40), solver=EXACT).value.square().sum()

    assert torch.autograd.gradgradcheck(loss, (network.A,), atol=1e-5)


def test_unrolled_follows_its_damping(make, clamp):
    network = make()
    mask, values = clamp(network)
    core0 = torch.ones(4, 4, dtype=torch.float64)
    value = steady_state(network, mask, values, adjoint=Unrolled(3, 0.4), core0=core0).value
    x = torch.where(mask, values, core0)
    for _ in range(3):
        x = torch.where(mask, values, 0.4 * network.core()(x) + 0.6 * x)
    torch.testing.assert_close(value, network.readout(x))


@pytest.mark.parametrize("adjoint", [ReducedImplicit(), ReducedImplicit(max_steps=0), Iterative()])
def test_a_zero_gradient_stays_zero(adjoint, make, clamp, gradients):
    network = make()
    mask, values = clamp(network)
    values.requires_grad_()
    solution = steady_state(network, mask, values, adjoint=adjoint)
    gradient = torch.autograd.grad((0 * solution.value).sum(), [network.A, values])
    assert all((g == 0).all() for g in gradient)


def test_a_second_backward_pass_reports_itself(make, clamp):
    network = make("hill", gain=2.0)
    solution = steady_state(network, *clamp(network), adjoint=ReducedImplicit(max_steps=1))
    solution.value.sum().backward(retain_graph=True)
    first = network.A.grad.clone()
    assert solution.backward.n_direct > 0
    (0 * solution.value).sum().backward()
    assert solution.backward.n_direct == 0
    torch.testing.assert_close(network.A.grad, first)


@pytest.mark.parametrize(
    "adjoint", [ReducedImplicit(), Iterative(), Unrolled(5)], ids=["reduced", "iterative", "unrolled"]
)
def test_a_solution_is_freed_without_the_garbage_collector(adjoint, make, clamp):
    network = make()
    gc.collect()
    gc.disable()
    try:
        solution = steady_state(network, *clamp(network), adjoint=adjoint, solver=Damped())
        solution.value.sum().backward()
        report, core = weakref.ref(solution.backward), weakref.ref(solution.core)
        linearisation = weakref.ref(solution.linearisation)
        del solution
        assert (report(), core(), linearisation()) == (None, None, None)
    finally:
        gc.enable()


def test_a_repelling_state_still_has_a_finite_gradient(make):
    network = make("mass_action", R=2, G=3, rows=torch.tensor([0, 1]))
    with torch.no_grad():
        network.A[:2] = torch.tensor([[0.0, -3.0], [3.0, 0.0]])
        network.b[:2] = torch.tensor([9.0, -1.0])
    solution = steady_state(network, torch.zeros(1, 2, dtype=torch.bool), torch.zeros(1, 2, dtype=torch.float64))
    assert solution.status.item() in (Status.UNSTABLE, Status.MAX_STEPS)
    solution.value.sum().backward()
    assert network.A.grad.isfinite().all()
