"""One forward and backward pass by every way there is: ours, torchdeq, unrolled, dense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.clock import in_child, medians, peak_gb
from benchmarks.dense_oracle import DenseHill
from benchmarks.norman_fit import SMALL
from benchmarks.problem import NORMAN, Screen, make_screen
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table
from scclamp.physics import (
    Adjoint,
    Anderson,
    Chord,
    Damped,
    Iterative,
    Network,
    Newton,
    ReducedImplicit,
    Solver,
    Unrolled,
    steady_state,
)

TOL, STEPS = 1e-5, 200
BASAL = 1.2
"""Factor of the basal rates, so that the passes are not taken at the optimum."""
Pass = Callable[[Screen, Network], Tensor]
"""Steady states of all conditions (conditions, genes), carrying gradients."""


def ours(solver: Solver, adjoint: Adjoint) -> Pass:
    """Steady states through `scclamp.physics`."""

    def states(screen: Screen, network: Network) -> Tensor:
        problem = screen.problem
        solution = steady_state(
            network, problem.mask, problem.values, solver=solver, adjoint=adjoint, check_stability=False
        )
        return solution.value

    return states


def torchdeq_core(screen: Screen, network: Network) -> Tensor:
    """Implicit differentiation by torchdeq on the reduced core, with our readout: the peer gets our insight."""
    problem, core = screen.problem, network.core()
    x0 = network.rest().expand(problem.mask.shape).detach()
    x = _deq(x0)(lambda x: torch.where(problem.mask, problem.values, core(x)), x0)[0][-1]
    return network.readout(x)


def torchdeq_full(screen: Screen, network: Network) -> Tensor:
    """The same on the map of all genes, as one would write it down."""
    problem, rows = screen.problem, network.rows
    mask = torch.zeros(len(problem.mask), len(network.b), dtype=torch.bool)
    values = torch.zeros(mask.shape, dtype=problem.values.dtype)
    mask[:, rows], values[:, rows] = problem.mask, problem.values
    x0 = network.b.detach().expand(mask.shape)
    return _deq(x0)(lambda x: torch.where(mask, values, network.production(x[:, rows]) / network.gamma), x0)[0][-1]


def _deq(x0: Tensor) -> Any:
    from torchdeq import get_deq

    return get_deq(
        f_solver="fixed_point_iter",
        b_solver="fixed_point_iter",
        ift=True,
        f_max_iter=STEPS,
        b_max_iter=STEPS,
        # It measures the norm of a condition's residual where we take the largest entry.
        f_tol=TOL * x0.shape[-1] ** 0.5,
        b_tol=1e-6,
    ).train()


OURS, UNROLLED = "ReducedImplicit, damped", "Unrolled, damped"
CORE, FULL = "torchdeq, core and our readout", "torchdeq, all genes"


def passes(screen: Screen) -> dict[str, Pass]:
    """Every way by name; the unrolled one takes as many steps as the same forward solve needs."""
    damped = Damped(1.0, TOL, STEPS)
    with torch.no_grad():
        network, problem = _copy(screen, torch.float32), screen.problem
        probe = steady_state(network, problem.mask, problem.values, solver=damped, check_stability=False)
    n_steps = int(probe.iterations.max())
    return {
        OURS: ours(damped, ReducedImplicit()),
        "ReducedImplicit, chord": ours(Chord(tol=TOL, max_steps=STEPS), ReducedImplicit()),
        "ReducedImplicit, Anderson": ours(Anderson(tol=TOL, max_steps=STEPS), ReducedImplicit()),
        "ReducedImplicit, Newton": ours(Newton(tol=TOL, max_steps=STEPS), ReducedImplicit()),
        "Iterative, damped": ours(damped, Iterative()),
        UNROLLED: ours(damped, Unrolled(n_steps, damping=1.0)),
        CORE: torchdeq_core,
        FULL: torchdeq_full,
    }


REFERENCE = ours(Newton(tol=1e-13, max_steps=100), ReducedImplicit(tikhonov=0.0, max_steps=0))


def gradients(screen: Screen, states: Pass, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Gradients of the squared error with respect to A, b and log K, from a cold start near the true network."""
    screen = Screen(screen.truth, screen.problem.to(torch.device("cpu"), dtype))
    network = _copy(screen, dtype)
    loss = (states(screen, network) - screen.problem.train).square().sum(-1).mean()
    loss.backward()
    return [p.grad for p in (network.A, network.b, network.activation.log_K) if p.grad is not None]


def _copy(screen: Screen, dtype: torch.dtype) -> Network:
    network = Network(len(screen.truth.b), screen.truth.rows)
    network.load_state_dict(screen.truth.state_dict())
    with torch.no_grad():
        # At the truth itself gradients are sums of noise that cancel, and their relative error would say nothing.
        network.b *= BASAL
    return network.to(dtype).requires_grad_(True)


def dense_gradients(screen: Screen, n: int) -> tuple[list[Tensor], list[Tensor]]:
    """Gradients by the reduced and by the G x G solve for a few conditions, float64."""
    problem, rows = screen.problem.to(torch.device("cpu"), torch.float64), screen.truth.rows
    network = _copy(screen, torch.float64)
    some = slice(1, 1 + n)
    solution = steady_state(
        network,
        problem.mask[some],
        problem.values[some],
        solver=Newton(tol=1e-13, max_steps=100),
        adjoint=ReducedImplicit(tikhonov=0.0, max_steps=0),
    )
    (solution.value - problem.train[some]).square().sum().backward()
    constants = {name: float(value) for name, value in network.named_values().items()}
    oracle = DenseHill.from_columns(network.A, rows, network.b, **constants)
    x = solution.value.detach()
    mask = torch.zeros(x.shape, dtype=torch.bool)
    mask[:, rows] = problem.mask[some]
    dense = oracle.backward(x, mask, 2 * (x - problem.train[some]), tikhonov=0.0)
    return [network.A.grad, network.b.grad], [dense.A[:, rows], dense.b]


def error(found: list[Tensor], expected: list[Tensor]) -> float:
    """Largest relative error, in the norm of each parameter's gradient."""
    return max(float((f.double() - e).norm() / e.norm()) for f, e in zip(found, expected, strict=True))


def peak_of(name: str, size: dict[str, int]) -> dict[str, float]:
    """Memory that one pass adds to the process, in MB."""
    screen = make_screen(**size)
    states = passes(screen)[name]
    before = peak_gb()
    gradients(screen, states)
    return {"added": 1e3 * (peak_gb() - before)}


def run(scale: Scale) -> Outcome:
    size, repeats = (SMALL, 2) if scale == Scale.QUICK else (NORMAN, 9)
    screen = make_screen(**size)
    exact = gradients(screen, REFERENCE, torch.float64)
    ways = passes(screen)
    times = medians({name: lambda p=p: gradients(screen, p) for name, p in ways.items()}, repeats)
    rows = []
    for name, states in ways.items():
        rows.append(
            {
                "pass": name,
                "ms": 1e3 * times[name],
                "time over ours": times[name] / times[OURS],
                "gradient error": error(gradients(screen, states), exact),
                "memory added, MB": in_child(peak_of, name=name, size=size)["added"],
            }
        )
    checks = [
        Check("time, unrolled over reduced", times[UNROLLED] / times[OURS], "x"),
        Check("time, torchdeq on the core over reduced", times[CORE] / times[OURS], "x"),
        Check("time, torchdeq on all genes over reduced", times[FULL] / times[OURS], "x"),
        Check("gradients, reduced against dense G x G, float64", error(*dense_gradients(screen, 2)), at_most=1e-10),
    ]
    return Outcome(checks, [Table("One pass each, float32, interleaved.", rows)])


BENCHMARK = Benchmark(
    name="peers",
    title="One forward and backward pass: ours, torchdeq, unrolled, dense",
    about=(
        "The same screen, the same loss and a cold start for all, near the true network: the time of one pass with "
        "gradients of A, b and the kinetic constants. The forward tolerance is 1e-5, ours of the largest residual of a "
        "condition, torchdeq's of its norm divided by the root of its size. The error of the gradient is against a "
        "float64 solve to 1e-13, the largest of all parameters; it contains the forward tolerance, so a smaller one is "
        "mostly a further forward solve. torchdeq is asked for implicit differentiation, once on the reduced core with "
        "our readout, once on all genes. `Unrolled` contains the forward solve that the driver makes before it. Memory "
        "is what a pass adds to a fresh process."
    ),
    run=run,
)
