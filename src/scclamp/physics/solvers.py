"""Fixed-point solvers: small frozen objects that propose the next state; one driver owns the loop.

A solver answers two questions, `step` (where next?) and `error` (how far from done?). The driver imposes the clamps, keeps
finished conditions still, checks finiteness, counts, and says how each condition ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from scclamp.physics.dynamics import Core
from scclamp.physics.linearisation import Linearisation
from scclamp.physics.status import Status

_REFRESH = 8
"""Steps between two looks at the rounding level of the states."""


@dataclass(eq=False)
class Problem:
    """A clamped core map: x -> where(free, core(x), values)."""

    core: Core
    free: Tensor
    values: Tensor
    _last: tuple[Tensor, Linearisation] | None = field(default=None, init=False, repr=False)

    def __call__(self, x: Tensor) -> Tensor:
        return torch.where(self.free, self.core(x), self.values)

    def linearise(self, x: Tensor) -> Linearisation:
        """Derivative at `x`, a constant to autograd; the last is kept, for those who ask at the same state."""
        if self._last is None or self._last[0] is not x:
            with torch.no_grad():
                self._last = x, self.core.linearise(x, self.free.expand_as(x))
        return self._last[1]


class Solver(Protocol):
    """What the driver asks of a solver."""

    @property
    def tol(self) -> float:
        """Error that counts as converged."""

    @property
    def max_steps(self) -> int:
        """Steps before a condition is given up."""

    def init(self, x: Tensor) -> object:
        """State that the solver carries between steps."""

    def step(self, problem: Problem, x: Tensor, gx: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Next state, given the current one and its image."""

    def error(self, x: Tensor, gx: Tensor) -> Tensor:
        """Distance from convergence per condition, to be compared with `tol`."""


def _max_abs(x: Tensor) -> Tensor:
    return x.abs().amax(-1)


@dataclass(frozen=True)
class Damped:
    """Damped Picard iteration ``x <- a g(x) + (1 - a) x``; the defaults are the settings of the paper.

    Parameters
    ----------
    damping
        The factor a in (0, 1].
    tol
        Largest step, in the maximum norm, that counts as converged.
    max_steps
        Steps before a condition is given up.
    """

    damping: float = 0.5
    tol: float = 1e-5
    max_steps: int = 200

    def init(self, x: Tensor) -> None:
        return None

    def step(self, problem: Problem, x: Tensor, gx: Tensor, state: None) -> tuple[Tensor, None]:
        return x + self.damping * (gx - x), None

    def error(self, x: Tensor, gx: Tensor) -> Tensor:
        return self.damping * _max_abs(gx - x)


class _History(NamedTuple):
    """Past differences of states and residuals (*batch, conditions, memory, regulators), newest first."""

    x: Tensor | None
    f: Tensor | None
    dx: Tensor
    df: Tensor


@dataclass(frozen=True)
class Anderson:
    """Anderson acceleration: the step that would vanish if the recent past were linear.

    Parameters
    ----------
    memory
        Number of past differences kept.
    damping
        Share of the residual added after mixing.
    tol
        Largest residual, in the maximum norm, that counts as converged.
    max_steps
        Steps before a condition is given up.
    """

    memory: int = 5
    damping: float = 1.0
    tol: float = 1e-6
    max_steps: int = 200

    def init(self, x: Tensor) -> _History:
        empty = x.new_zeros(*x.shape[:-1], self.memory, x.shape[-1])
        return _History(None, None, empty, empty)

    def step(self, problem: Problem, x: Tensor, gx: Tensor, state: _History) -> tuple[Tensor, _History]:
        f = gx - x
        plain = x + self.damping * f
        if state.x is None or state.f is None:
            return plain, state._replace(x=x, f=f)
        dx = torch.cat([(x - state.x)[..., None, :], state.dx[..., :-1, :]], -2)
        df = torch.cat([(f - state.f)[..., None, :], state.df[..., :-1, :]], -2)
        gram = df @ df.mT
        scale = gram.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None].clamp(min=torch.finfo(x.dtype).tiny)
        ridge = torch.finfo(x.dtype).eps * torch.eye(self.memory, dtype=x.dtype, device=x.device)
        mix = torch.linalg.solve_ex(gram / scale + ridge, (df @ f[..., None]) / scale).result
        proposal = plain - ((dx + self.damping * df).mT @ mix).squeeze(-1)
        # Where the least-squares problem broke down, a plain step is always available.
        sound = proposal.isfinite().all(-1, keepdim=True)
        return torch.where(sound, proposal, plain), _History(x, f, dx, df)

    def error(self, x: Tensor, gx: Tensor) -> Tensor:
        return _max_abs(gx - x)


@dataclass(frozen=True)
class Newton:
    """Newton's method on ``x - g(x)``, with a damped step wherever the full one would not reduce the residual.

    Parameters
    ----------
    tol
        Largest residual, in the maximum norm, that counts as converged.
    max_steps
        Steps before a condition is given up.
    """

    tol: float = 1e-6
    max_steps: int = 50

    def init(self, x: Tensor) -> None:
        return None

    def step(self, problem: Problem, x: Tensor, gx: Tensor, state: None) -> tuple[Tensor, None]:
        f = gx - x
        M = problem.linearise(x).dense()
        full = x + torch.linalg.solve_ex(_eye_like(x) - M, f[..., None]).result.squeeze(-1)
        full = torch.where(problem.free, full, problem.values)
        better = _max_abs(problem(full) - full) < _max_abs(f)
        return torch.where(better[..., None], full, x + 0.5 * f), None

    def error(self, x: Tensor, gx: Tensor) -> Tensor:
        return _max_abs(gx - x)


_EXACT_ENTRIES = 2**24
"""Matrix entries that exact steps may hold at a time; with thousands of regulators a few conditions take turns."""


class _Shared(NamedTuple):
    """Inverse of I - M for the mean condition, the last residuals, and the steps taken."""

    inverse: Tensor | None
    residual: Tensor
    taken: int


@dataclass(frozen=True)
class Chord:
    """Newton's method with one inverse for all conditions, and an own Jacobian for the few that it does not serve.

    Conditions differ by a clamp and slightly in slope, so after a warm start a few nearly free steps with the inverse for
    their mean settle nearly all of them. What is left after `shared_steps` gets exact Newton steps. Where a step did not
    reduce the residual or has no finite change to offer, a plain damped step is taken instead.

    Parameters
    ----------
    tol
        Largest residual, in the maximum norm, that counts as converged.
    max_steps
        Steps before a condition is given up.
    shared_steps
        Steps with the shared inverse.
    inverse
        Inverse of I - M (*batch, regulators, regulators) to share, such as the one that the adjoint of a neighbouring
        problem left in its report. When None, it is taken where a first plain step leads.
    """

    tol: float = 1e-6
    max_steps: int = 200
    shared_steps: int = 4
    inverse: Tensor | None = field(default=None, repr=False, compare=False)

    def init(self, x: Tensor) -> None:
        return None

    def step(self, problem: Problem, x: Tensor, gx: Tensor, state: _Shared | None) -> tuple[Tensor, _Shared]:
        f = gx - x
        residual = _max_abs(f)
        if state is None:
            state = _Shared(self.inverse, torch.full_like(residual, torch.inf), 0)
            if self.inverse is None:
                # Near a solution one plain step is often enough, and it needs no inverse.
                return gx, state
        inverse = self._inverse(problem, x) if state.inverse is None else state.inverse
        change = torch.where(problem.free, f @ inverse.mT, f)
        if state.taken >= self.shared_steps:
            change = self._exact(problem, x, f, residual, change)
        trusted = (residual < 0.9 * state.residual) & (_max_abs(change) < torch.inf)
        change = torch.where(trusted[..., None], change, 0.5 * f)
        return x + change, _Shared(inverse, residual, state.taken + 1)

    def _inverse(self, problem: Problem, x: Tensor) -> Tensor:
        return torch.linalg.inv_ex(_eye_like(x) - problem.linearise(x).mean_condition()).inverse

    def _exact(self, problem: Problem, x: Tensor, f: Tensor, residual: Tensor, change: Tensor) -> Tensor:
        """Newton's change for conditions that have not arrived, as many as fit; the shared change for the others."""
        at_once = max(1, _EXACT_ENTRIES // x.shape[-1] ** 2)
        left = ((residual > self.tol) & (residual < torch.inf)).nonzero()[:at_once].unbind(-1)
        M = problem.linearise(x).select(left).dense()
        change[left] = torch.linalg.solve_ex(_eye_like(x) - M, f[left][..., None]).result.squeeze(-1)
        return change

    def error(self, x: Tensor, gx: Tensor) -> Tensor:
        return _max_abs(gx - x)


def _eye_like(x: Tensor) -> Tensor:
    return torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)


class Settled(NamedTuple):
    """What the driver returns, per condition."""

    x: Tensor
    status: Tensor
    residual: Tensor
    iterations: Tensor
    rate: Tensor


def drive(solver: Solver, problem: Problem, x0: Tensor) -> Settled:
    """Iterate every condition until it has converged, turned non-finite, or used up its steps.

    Status and residual describe the state that is returned: it is judged before the next step is taken, and a finished
    condition is not touched again, so its result does not depend on its neighbours in the batch. An error at the rounding
    level of the state counts as converged, since no further step could lower it. A non-finite start is reported, not
    replaced. `rate` is the last observed ratio of successive errors: near the spectral radius for `Damped(1.0)`.
    """
    x = torch.where(problem.free, x0, problem.values)
    state = solver.init(x)
    rounding = 4 * torch.finfo(x.dtype).eps
    status = torch.full(x.shape[:-1], Status.MAX_STEPS, dtype=torch.int8, device=x.device)
    active = torch.ones_like(status, dtype=torch.bool)
    iterations = torch.zeros_like(status, dtype=torch.int32)
    previous = x.new_full(status.shape, torch.nan)
    rate = previous.clone()
    for step in range(solver.max_steps + 1):
        gx = problem(x)
        error = solver.error(x, gx)
        rate = torch.where(active, error / previous, rate)
        previous = error
        if step % _REFRESH == 0:
            enough = (rounding * _max_abs(x)).clamp(min=solver.tol)
        # NaN fails every comparison, so two of them sort all cases; isfinite would cost four operations each step.
        status.masked_fill_(active & ~(error < torch.inf), int(Status.NONFINITE))
        status.masked_fill_(active & (error <= enough), int(Status.CONVERGED))
        active = status == Status.MAX_STEPS
        if step == solver.max_steps or not active.any():
            break
        proposal, state = solver.step(problem, x, gx, state)
        x = torch.where(active[..., None], proposal, x)
        iterations += active
    return Settled(x, status, _max_abs(gx - x), iterations, rate)
