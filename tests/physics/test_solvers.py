"""Solvers on maps with a closed form, on hostile kinetics, and on cores that break at a chosen step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from scclamp.physics import Anderson, Chord, Damped, Hill, Network, Newton, Problem, Status, drive, steady_state

RADII = (0.1, 0.5, 0.9, 0.99, 0.999)
ROTATIONS = {"positive": 1.0, "negative": -1.0, "rotating": np.exp(0.7j), "quarter": 1j}
SOLVERS = (Damped(), Damped(1.0), Anderson(), Newton())


def name_of(solver) -> str:
    return f"{type(solver).__name__}{getattr(solver, 'damping', '')}"


def spectra(radii, turn: complex) -> Tensor:
    """Six eigenvalues for each radius: a dominant one, or a pair of them, and four well below."""
    rest = np.array([0.6, -0.5, 0.3, 0.1])
    top = [turn, np.conj(turn)] if np.iscomplex(turn) else [turn, 0.2]
    return torch.from_numpy(np.array([r * np.concatenate([top, rest]) for r in radii], dtype=complex))


def free(network: Network, C: int = 1) -> tuple[Tensor, Tensor]:
    R = len(network.rows)
    return torch.zeros(C, R, dtype=torch.bool), torch.zeros(C, R, dtype=network.b.dtype)


class TestAffine:
    """Bar 2: maps of an exact spectral radius, whose fixed point is known."""

    @pytest.mark.parametrize(
        "solver", [Damped(1.0, 5e-12, 20_000), Anderson(tol=5e-12), Newton(tol=5e-12)], ids=name_of
    )
    def test_error_and_rate(self, solver, affine, record_property):
        turns = [1.0, -1.0, np.exp(0.7j)]
        network, state = affine(torch.cat([spectra(RADII, turn) for turn in turns]))
        # A near start spares the plain iteration most of its 25,000 steps at radius 0.999.
        start = state + 1e-5 if isinstance(solver, Damped) else None
        with torch.no_grad():
            solution = steady_state(network, *free(network), solver=solver, core0=start)
        assert (solution.status == Status.CONVERGED).all()
        error = (solution.core - state).abs().amax((-1, -2))
        record_property("largest error", float(error.max()))
        assert (error <= 1e-8).all(), error
        radii = np.tile(RADII, 3)
        np.testing.assert_allclose(solution.spectral_radius[:, 0], radii, rtol=1e-9)
        if isinstance(solver, Damped):
            # A rotating pair has no steady ratio of successive errors in the maximum norm.
            record_property("rate off by", float(np.abs(solution.rate[:10, 0].numpy() / radii[:10] - 1).max()))
            np.testing.assert_allclose(solution.rate[:10, 0], radii[:10], rtol=0.1)

    @pytest.mark.parametrize("turn", ROTATIONS)
    @pytest.mark.parametrize("solver", SOLVERS, ids=name_of)
    def test_radius_of_one_or_more_is_never_called_converged(self, solver, turn, affine):
        network, state = affine(spectra([1.0, 1.001, 1.5, 5.0], ROTATIONS[turn]))
        for core0 in (None, state, state + 1e-9):
            with torch.no_grad():
                solution = steady_state(network, *free(network), solver=solver, core0=core0)
            assert (solution.status != Status.CONVERGED).all(), solution.status
            assert not solution.converged.any()

    @pytest.mark.parametrize("solver", SOLVERS, ids=name_of)
    def test_a_start_at_the_solution_takes_no_step_and_breaks_nothing(self, solver, affine):
        network, _ = affine(spectra(RADII[:3], 1.0))
        exact = steady_state(network, *free(network), solver=Newton(tol=1e-14)).core
        again = steady_state(network, *free(network), solver=solver, core0=exact)
        assert (again.iterations == 0).all()
        assert torch.equal(again.core, exact)

    @pytest.mark.parametrize("solver", [Damped(1.0, 1e-12, 5), Anderson(tol=1e-12, max_steps=2)], ids=name_of)
    def test_running_out_of_steps_is_said(self, solver, affine):
        network, _ = affine(spectra([0.99], 1.0))
        solution = steady_state(network, *free(network), solver=solver)
        assert (solution.status == Status.MAX_STEPS).all()
        assert (solution.iterations == solver.max_steps).all()
        assert (solution.residual > solver.tol).all()
        assert "max_steps" in solution.describe()

    def test_newton_solves_an_affine_map_in_one_step(self, affine):
        network, state = affine(spectra([0.9], -1.0))
        solution = steady_state(network, *free(network), solver=Newton(tol=1e-12, max_steps=1))
        assert solution.iterations.item() == 1
        assert solution.converged.all()
        torch.testing.assert_close(solution.core, state, rtol=0, atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS, ids=name_of)
def test_residual_and_status_describe_the_returned_state(solver, make, clamp, kind):
    dynamics = make(kind, seed=3)
    mask, values = clamp(dynamics, C=6)
    solution = steady_state(dynamics, mask, values, solver=solver)
    assert solution.converged.all()
    image = torch.where(mask, values, dynamics.core()(solution.core)).detach()
    residual = (image - solution.core).abs().amax(-1)
    torch.testing.assert_close(solution.residual, residual, rtol=0, atol=1e-15)
    assert (solver.error(solution.core, image) <= solver.tol).all()


@dataclass
class Injected:
    """A core whose image of one condition is spoilt from a given evaluation on."""

    core: object
    at: int
    bad: float
    condition: int = 1
    calls: int = field(default=0)

    def __call__(self, x: Tensor) -> Tensor:
        image = self.core(x)
        if self.calls >= self.at:
            image = image.clone()
            image[self.condition, 2] = self.bad
        self.calls += 1
        return image

    def linearise(self, x: Tensor, free: Tensor):
        return self.core.linearise(x, free)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("step", [0, 5, 10])
@pytest.mark.parametrize("solver", [Damped(1.0, 0.0, 10), Damped(0.5, 0.0, 10), Anderson(1, 0.5, 0.0, 10)], ids=name_of)
def test_nan_at_any_step_is_named_there_and_stays_there(solver, step, bad, make):
    network = make("hill", gain=1.5)
    core, x0 = network.core(), torch.linspace(0.2, 3, 12, dtype=torch.float64).view(3, 4)
    problem = Problem(core, torch.ones(3, 4, dtype=torch.bool), torch.zeros(3, 4, dtype=torch.float64))
    with torch.no_grad():
        clean = drive(solver, problem, x0)
        spoilt = drive(solver, replace(problem, core=Injected(core, step, bad)), x0)
    assert (clean.status == Status.MAX_STEPS).all(), "the clean run must not end before the injection"
    assert spoilt.status.tolist() == [Status.MAX_STEPS, Status.NONFINITE, Status.MAX_STEPS]
    assert spoilt.iterations[1] == step
    assert torch.equal(spoilt.x[[0, 2]], clean.x[[0, 2]])


@pytest.mark.parametrize("step", [0, 2, 4])
def test_nan_in_newton_is_named(step, make):
    network = make("hill", gain=1.5)
    core, x0 = network.core(), torch.linspace(0.2, 3, 12, dtype=torch.float64).view(3, 4)
    problem = Problem(core, torch.ones(3, 4, dtype=torch.bool), torch.zeros(3, 4, dtype=torch.float64))
    with torch.no_grad():
        clean = drive(Newton(tol=1e-13), problem, x0)
        # Newton looks at the map twice in each step, once to judge the state and once to judge its proposal.
        spoilt = drive(Newton(tol=1e-13), replace(problem, core=Injected(core, step, float("nan"))), x0)
    assert spoilt.status.tolist() == [Status.CONVERGED, Status.NONFINITE, Status.CONVERGED]
    assert torch.equal(spoilt.x[[0, 2]], clean.x[[0, 2]])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("solver", SOLVERS, ids=name_of)
def test_a_start_that_is_not_finite_is_named(solver, bad, make, clamp):
    network = make()
    mask, values = clamp(network, C=3)
    start = torch.ones(3, 4, dtype=torch.float64)
    start[0, 1] = bad
    solution = steady_state(network, mask, values, solver=solver, core0=start)
    assert solution.status.tolist() == [Status.NONFINITE, Status.CONVERGED, Status.CONVERGED]
    start[0, 1] = 1.0
    start[mask] = bad
    solution = steady_state(network, mask, values, solver=solver, core0=start)
    assert solution.converged.all(), "a clamped regulator's start is never read"


@pytest.mark.parametrize("solver", SOLVERS, ids=name_of)
def test_a_result_does_not_depend_on_the_neighbours(solver, make, clamp):
    network = make("hill", gain=1.5)
    mask, values = clamp(network, C=5)
    solution = steady_state(network, mask, values, solver=solver)
    wild = values.clone()
    wild[1:] = torch.tensor([1e-9, 49.0, 7.0, torch.nan])[:, None]
    disturbed = steady_state(network, mask, wild, solver=solver)
    assert torch.equal(solution.core[0], disturbed.core[0])
    assert torch.equal(solution.value[0], disturbed.value[0])
    for c in range(5):
        alone = steady_state(network, mask[c : c + 1], values[c : c + 1], solver=solver)
        # Another batch size rounds products differently, which the least squares of Anderson amplify.
        close = 1e-9 if isinstance(solver, Anderson) else 2e-15
        torch.testing.assert_close(alone.core[0], solution.core[c], rtol=close, atol=close)
        assert alone.iterations[0] == solution.iterations[c]


def hill_network(A, b, n=2.0, K=1.0, gamma=1.0, dtype=torch.float64) -> Network:
    A = torch.tensor(A, dtype=dtype)
    network = Network(len(A), torch.arange(len(A)), activation=Hill(n, K)).to(dtype)
    with torch.no_grad():
        network.A.copy_(A)
        network.b.copy_(torch.tensor(b))
        network.log_gamma.fill_(np.log(gamma))
    return network


TOGGLE = ([[0.0, -3.0], [-3.0, 0.0]], [3.0, 3.0], 4.0)
SWITCH = ([[4.0]], [0.05], 4.0, 1.5)
OSCILLATOR = ([[0.0, 0.0, -8.0], [-8.0, 0.0, 0.0], [0.0, -8.0, 0.0]], [8.5, 8.5, 8.5], 6.0)
OVERSHOOT = ([[-8.0]], [8.5], 50.0)
WEAK = [[0.3, -0.3], [0.2, 0.1]]


class TestHostileKinetics:
    """Networks with several steady states, none that attracts, or extreme constants."""

    @pytest.mark.parametrize(
        "parts", [TOGGLE, SWITCH, OSCILLATOR, OVERSHOOT], ids=["toggle", "switch", "ring", "steep"]
    )
    @pytest.mark.parametrize("solver", SOLVERS, ids=name_of)
    def test_what_is_called_converged_is_a_steady_state_that_attracts(self, parts, solver):
        network = hill_network(*parts)
        start = 4 * torch.rand(40, len(network.rows), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        mask = torch.zeros(start.shape, dtype=torch.bool)
        with torch.no_grad():
            solution = steady_state(network, mask, torch.zeros_like(start), solver=solver, core0=start)
            settled = solution.core[solution.converged]
            for _ in range(200):
                settled = network.core()(settled)
        assert (solution.status != Status.NONFINITE).all()
        moved = (settled - solution.core[solution.converged]).abs()
        assert moved.numel() == 0 or moved.max() <= 1e-4
        assert (solution.spectral_radius[solution.converged] < 1).all()
        assert (solution.spectral_radius[solution.status == Status.UNSTABLE] >= 1 - 1e-9).all()

    # An undamped step flips both sides at once and cycles.
    @pytest.mark.parametrize("solver", [Damped(), Anderson(), Newton()], ids=name_of)
    def test_a_toggle_keeps_the_side_it_starts_on(self, solver):
        network = hill_network(*TOGGLE)
        start = torch.tensor([[3.0, 0.05], [0.05, 3.0]], dtype=torch.float64)
        mask = torch.zeros(2, 2, dtype=torch.bool)
        solution = steady_state(network, mask, torch.zeros_like(start), solver=solver, core0=start)
        assert solution.converged.all()
        assert solution.core[0, 0] > 2 > 1 > solution.core[0, 1]
        torch.testing.assert_close(solution.core[0], solution.core[1].flip(0), rtol=0, atol=1e-4)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize(
        "parts",
        [
            (WEAK, [1.0, 1.0], 50.0),
            (WEAK, [1.0, 1.0], 2.0, 1e-8),
            (WEAK, [0.0, 0.0], 2.0, 1e-5),
            (WEAK, [0.0, 0.0]),
            (WEAK, [1.0, 1.0], 2.0, 1.0, 1e-3),
            ([[3e-4, -3e-4], [2e-4, 1e-4]], [1e-3, 1e-3], 2.0, 1.0, 1e-3),
        ],
        ids=["steep", "tiny_K", "dead_tiny_K", "dead", "slow", "slow_small"],
    )
    @pytest.mark.parametrize("solver", SOLVERS, ids=name_of)
    def test_extreme_constants_converge(self, solver, parts, dtype):
        network = hill_network(*parts, dtype=dtype)
        solution = steady_state(network, *free(network, 2), solver=solver)
        if isinstance(solver, Anderson) and parts[1:] == ([0.0, 0.0], 2.0, 1e-5):
            # Slopes of 1e4 beside a flat region: past differences say nothing, which has a status.
            assert torch.equal(solution.converged, solution.residual <= solver.tol)
            return
        assert solution.converged.all(), (solution.describe(), solution.residual)
        solution.value.sum().backward()
        assert all(p.grad.isfinite().all() for p in network.parameters())

    @pytest.mark.parametrize("solver", [Newton(), Anderson()], ids=name_of)
    def test_large_states_in_float32_reach_rounding_and_stop(self, solver):
        g = torch.Generator().manual_seed(0)
        for size in (50.0, 1e3, 1e5):
            network = Network(
                20, torch.arange(20), batch_shape=(20,), activation=Hill(2.0, size / 3, batch_shape=(20,))
            )
            network.activation.bounds = (1e-6, 10 * size)
            with torch.no_grad():
                network.A.copy_(torch.randn(20, 20, 20, generator=g) * size / 10)
                network.b.copy_(torch.rand(20, 20, generator=g) * size)
            solution = steady_state(network, *free(network), solver=solver, check_stability=False)
            assert solution.converged.all(), solution.describe()
            assert (solution.residual[:, 0] <= 1e-6 + 5e-7 * solution.core.abs().amax((-1, -2))).all()


def test_damped_takes_the_documented_step(make):
    network = make()
    x = torch.ones(1, 4, dtype=torch.float64)
    problem = Problem(network.core(), torch.ones(1, 4, dtype=torch.bool), x)
    settled = drive(Damped(0.3, 0.0, 1), problem, x)
    torch.testing.assert_close(settled.x, 0.3 * problem(x) + 0.7 * x)


def test_anderson_needs_fewer_steps_than_damped(affine):
    network, _ = affine(spectra([0.99], np.exp(0.7j)))
    slow, fast = (
        steady_state(network, *free(network), solver=s) for s in (Damped(1.0, 1e-9, 5000), Anderson(tol=1e-9))
    )
    assert fast.iterations.item() < slow.iterations.item() / 10


def test_chord_shares_the_inverse_that_it_is_given(make):
    network = make()
    mask, values = free(network)
    exact = steady_state(network, mask, values, solver=Newton(1e-13))
    inverse = torch.linalg.inv(torch.eye(4, dtype=torch.float64) - exact.linearisation.mean_condition())
    near = exact.core + 1e-3
    given = steady_state(network, mask, values, solver=Chord(1e-10, inverse=inverse), core0=near)
    own = steady_state(network, mask, values, solver=Chord(1e-10), core0=near)
    torch.testing.assert_close(given.core, exact.core, rtol=0, atol=1e-9)
    assert (given.iterations < own.iterations).all()


@pytest.mark.parametrize("bad", [0.0, -50.0, float("nan"), float("inf")])
def test_chord_survives_an_inverse_that_is_none(make, bad):
    network = make()
    mask, values = free(network)
    inverse = torch.full((4, 4), bad, dtype=torch.float64)
    solution = steady_state(network, mask, values, solver=Chord(1e-10, inverse=inverse), check_stability=False)
    assert solution.converged.all(), solution.describe()
    torch.testing.assert_close(solution.core, steady_state(network, mask, values).core, rtol=0, atol=1e-5)


def test_a_problem_keeps_its_last_linearisation_and_no_other(make):
    network = make()
    x = torch.ones(1, 4, dtype=torch.float64)
    problem = Problem(network.core(), torch.ones(1, 4, dtype=torch.bool), x)
    first = problem.linearise(x)
    assert problem.linearise(x) is first
    moved = problem.linearise(x + 1).dense()
    torch.testing.assert_close(moved, network.core().linearise(x + 1, problem.free).dense())
    assert not torch.allclose(moved, first.dense())
