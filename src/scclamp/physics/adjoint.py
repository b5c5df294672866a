"""Adjoints: how a gradient passes back through a steady state. Each is a separate object, free of the forward solver.

With M the derivative of the clamped core map (clamped rows zero), an upstream gradient v on the core becomes w with
``(I - M^T) w = v``; parameters then receive ``w^T dg/dtheta``. Zero *rows* of M make clamped states deaf to the
parameters, while w itself is still the exact gradient with respect to the clamp's value. (Replacing rows of the Jacobian,
as the paper writes it, does not zero w there; what must be masked is the map.)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from scclamp._errors import ConvergenceWarning, InputError
from scclamp.physics.linearisation import Dense, Linearisation
from scclamp.physics.solvers import Anderson, Damped, Problem, drive
from scclamp.physics.status import Status

_STRAGGLERS = 32
"""One condition in so many may be left to the direct solve."""
_PATIENCE = 4
"""Refinements with an inverse from before, after which it counts as stale."""


@dataclass
class BackwardReport:
    """What the last backward pass through a solution did; empty before it ran.

    `inverse` is that of I - M for the mean condition, when one was used, and `solution` what was found: the next problem,
    if it is near, can start from both.
    """

    residual: Tensor | None = None
    iterations: int = 0
    converged: bool = True
    n_direct: int = 0
    inverse: Tensor | None = None
    solution: Tensor | None = None


class Adjoint(Protocol):
    """Turns a converged, detached core state into one that carries gradients."""

    def attach(self, problem: Problem, x: Tensor, x0: Tensor, report: BackwardReport) -> Tensor:
        """Return the state, differentiable in the parameters behind `problem` and in the clamp values."""


class _Implicit(torch.autograd.Function):
    """Identity on one application of the map; its backward solves the adjoint system."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, x: Tensor, solve: Any) -> Tensor:
        ctx.solve = solve
        return x.clone()

    @staticmethod
    def backward(ctx: Any, v: Tensor) -> tuple[Tensor, None, None]:
        if torch.is_grad_enabled():
            # The linearisation is a constant here, so a second derivative would be wrong without a word.
            raise InputError(
                "create_graph=True asks for second derivatives of a steady state, which an implicit adjoint does not "
                "have. Use adjoint=Unrolled()."
            )
        return ctx.solve(v), None, None


def _attach(problem: Problem, x: Tensor, solve: Callable[[Linearisation, Tensor], Tensor]) -> Tensor:
    """State whose gradient passes through `solve`, at the linearisation of the map there."""
    image = problem(x)
    M = problem.linearise(x)
    return _Implicit.apply(image, x, lambda v: solve(M, v))


def _residual(M: Linearisation, w: Tensor, v: Tensor, tikhonov: float) -> Tensor:
    """Residual of (I + eps - M^T) w = v, relative to the size of v, per condition."""
    r = v - (1 + tikhonov) * w + M.vjp(w)
    return r.abs().amax(-1) / v.abs().amax(-1).clamp(min=torch.finfo(v.dtype).tiny)


@dataclass(frozen=True)
class ReducedImplicit:
    """Exact adjoint in the core's R dimensions, all conditions at once.

    Conditions differ by one clamp and slightly in slope, so the inverse for their mean is a preconditioner that turns the
    batch of R x R solves into a few shared products. Whatever has not reached `tol` after `max_steps` is solved
    directly, so the answer is exact either way.

    Parameters
    ----------
    tikhonov
        Added to the diagonal, as in the paper (equation 30).
    tol
        Relative residual at which the shared iteration stops; a few rounding errors of the dtype when None.
    max_steps
        Shared refinement steps before the direct solve; 0 solves every condition directly.
    inverse, guess
        The `inverse` and the `solution` that the report of a problem nearby ended with, to start from; they change how long
        it takes, not what is found. The inverse is taken anew where it has become a poor guide.
    """

    tikhonov: float = 1e-8
    tol: float | None = None
    max_steps: int = 12
    inverse: Tensor | None = field(default=None, repr=False, compare=False)
    guess: Tensor | None = field(default=None, repr=False, compare=False)

    def attach(self, problem: Problem, x: Tensor, x0: Tensor, report: BackwardReport) -> Tensor:
        return _attach(problem, x, lambda M, v: self.solve(M, v, report))

    def solve(self, M: Linearisation, v: Tensor, report: BackwardReport | None = None) -> Tensor:
        """Solve (I + eps - M^T) w = v for every condition."""
        report = BackwardReport() if report is None else report
        tol = self.tol if self.tol is not None else 20 * torch.finfo(v.dtype).eps
        w, left = self._refine(M, v, tol, report)
        report.n_direct = 0
        if left.any():
            index = left.nonzero(as_tuple=True)
            system = self._eye(v) - M.select(index).dense().mT
            w = w.clone()
            w[index] = torch.linalg.solve_ex(system, v[index][..., None]).result.squeeze(-1)
            report.n_direct = len(index[0])
        report.residual = _residual(M, w, v, self.tikhonov)
        report.converged = bool((report.residual <= torch.finfo(v.dtype).eps ** 0.5).all())
        report.solution = w
        return w

    def _refine(self, M: Linearisation, v: Tensor, tol: float, report: BackwardReport) -> tuple[Tensor, Tensor]:
        """Refine with the shared inverse; return the solution and the conditions it did not reach."""
        if self.max_steps == 0:
            return v, torch.ones(v.shape[:-1], dtype=torch.bool, device=v.device)
        stale = self.inverse is not None
        inverse = self._mean_inverse(M, v) if self.inverse is None else self.inverse
        w = v @ inverse if self.guess is None else self.guess
        enough = tol * v.abs().amax(-1).clamp(min=torch.finfo(v.dtype).tiny)
        for report.iterations in range(1, self.max_steps + 1):
            r = torch.sub(v, w, alpha=1 + self.tikhonov) + M.vjp(w)
            left = ~(r.abs().amax(-1) <= enough)
            # A handful of stragglers is cheaper to solve directly than to refine along with everybody.
            if int(left.sum()) <= left.numel() // _STRAGGLERS:
                break
            if stale and report.iterations > _PATIENCE:
                inverse, stale = self._mean_inverse(M, v), False
            # What has arrived stays: where the mean is a poor guide, a further correction would lead away again.
            w = torch.where(left[..., None], w + r @ inverse, w)
        report.inverse = inverse
        return w, left

    def _mean_inverse(self, M: Linearisation, v: Tensor) -> Tensor:
        # Row vectors: (I - M^T) w = v is w (I - M) = v, so the inverse of I - mean(M) multiplies from the right.
        # Contiguous, as it would be read from a checkpoint: products round differently in another layout.
        return torch.linalg.inv_ex(self._eye(v) - M.mean_condition()).inverse.contiguous()

    def _eye(self, v: Tensor) -> Tensor:
        return (1 + self.tikhonov) * torch.eye(v.shape[-1], dtype=v.dtype, device=v.device)


@dataclass(frozen=True)
class Iterative:
    """Matrix-free adjoint for thousands of regulators: only products with the core's derivative.

    Parameters
    ----------
    tol
        Relative residual that counts as converged; a few rounding errors of the dtype when None.
    max_steps
        Products before the solve is given up with a `ConvergenceWarning`.
    memory
        Past differences kept by the accelerated iteration.
    """

    tol: float | None = None
    max_steps: int = 500
    memory: int = 8

    def attach(self, problem: Problem, x: Tensor, x0: Tensor, report: BackwardReport) -> Tensor:
        return _attach(problem, x, lambda M, v: self.solve(M, v, report))

    def solve(self, M: Linearisation, v: Tensor, report: BackwardReport | None = None) -> Tensor:
        """Solve (I - M^T) w = v for every condition."""
        report = BackwardReport() if report is None else report
        tol = self.tol if self.tol is not None else 50 * torch.finfo(v.dtype).eps
        scale = v.abs().amax(-1, keepdim=True).clamp(min=torch.finfo(v.dtype).tiny)
        unit = v / scale
        problem = Problem(_Affine(M, unit), torch.ones_like(v, dtype=torch.bool), torch.zeros_like(v))
        settled = drive(Anderson(memory=self.memory, tol=tol, max_steps=self.max_steps), problem, unit)
        report.residual, report.iterations = settled.residual, max(settled.iterations.flatten().tolist(), default=0)
        report.converged = bool((settled.status == Status.CONVERGED).all())
        if not report.converged:
            n_bad = int((settled.status != Status.CONVERGED).sum())
            message = (
                f"The adjoint solve did not converge for {n_bad} condition(s): residual {settled.residual.max():.1e}"
            )
            warnings.warn(
                f"{message} > tol={tol:.1e}. Raise max_steps or use ReducedImplicit().", ConvergenceWarning, 2
            )
        return settled.x * scale


@dataclass(frozen=True)
class _Affine:
    """The adjoint's own fixed-point map w -> v + M^T w, so that the forward driver serves the backward pass too."""

    M: Linearisation
    v: Tensor

    def __call__(self, w: Tensor) -> Tensor:
        return self.v + self.M.vjp(w)

    def linearise(self, x: Tensor, free: Tensor) -> Dense:
        return Dense(self.M.dense().mT)


@dataclass(frozen=True)
class Unrolled:
    """Back-propagation through the iteration itself: the oracle, at a memory cost linear in `steps`.

    Parameters
    ----------
    steps
        Damped steps from the initial state, all of them kept for the backward pass.
    damping
        Factor of each step.
    """

    steps: int = 200
    damping: float = 1.0
    solver: Damped = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "solver", Damped(self.damping))

    def attach(self, problem: Problem, x: Tensor, x0: Tensor, report: BackwardReport) -> Tensor:
        y = torch.where(problem.free, x0, problem.values)
        for _ in range(self.steps):
            y, _ = self.solver.step(problem, y, problem(y), None)
        return y
