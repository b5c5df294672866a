"""The steady state of clamped dynamics, differentiable, with everything one should know about how it was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from scclamp._errors import InputError
from scclamp.physics.adjoint import Adjoint, BackwardReport, ReducedImplicit
from scclamp.physics.dynamics import Dynamics
from scclamp.physics.linearisation import Linearisation
from scclamp.physics.solvers import Newton, Problem, Solver, drive
from scclamp.physics.spectral import radius_bound, spectral_radius, stability_limit
from scclamp.physics.status import Status


@dataclass(frozen=True)
class Solution:
    """Steady states and how they were found; the leading axes are (*batch, conditions).

    Parameters
    ----------
    value
        State of every gene (..., genes); carries gradients.
    core
        State of the regulators (..., regulators), detached.
    status
        `Status` per condition, int8.
    residual
        ``max |g(x) - x|`` over the free regulators.
    iterations
        Steps that each condition took.
    rate
        Last observed ratio of successive errors.
    linearisation
        Derivative of the core at the solution.
    at_bounds
        Regulators whose state lies outside the bounds of the activation.
    backward
        Report of the last backward pass.
    """

    value: Tensor
    core: Tensor
    status: Tensor
    residual: Tensor
    iterations: Tensor
    rate: Tensor
    linearisation: Linearisation
    at_bounds: Tensor
    backward: BackwardReport = field(default_factory=BackwardReport)

    @property
    def converged(self) -> Tensor:
        """Conditions with a trustworthy steady state."""
        return self.status == Status.CONVERGED

    @cached_property
    def spectral_radius(self) -> Tensor:
        """Exact spectral radius of the linearised core per condition, float64; NaN where the state is not finite."""
        finite = self.core.isfinite().all(-1)
        radius = torch.full(finite.shape, torch.nan, dtype=torch.float64, device=self.core.device)
        if finite.any():
            radius[finite] = spectral_radius(self.linearisation.select(finite.nonzero(as_tuple=True)))
        return radius

    def describe(self) -> str:
        """One sentence per kind of outcome."""
        lines = []
        for status in Status:
            n = int((self.status == status).sum())
            if n:
                lines.append(f"{n} condition(s): {status.advice}")
        return "; ".join(lines) + "."


def steady_state(
    dynamics: Dynamics,
    mask: Tensor,
    values: Tensor,
    *,
    solver: Solver | None = None,
    adjoint: Adjoint | None = None,
    core0: Tensor | None = None,
    check_stability: bool = True,
) -> Solution:
    """Solve for the steady state of every condition with any set of regulators clamped.

    Parameters
    ----------
    dynamics
        A `Network` or any other `Dynamics`.
    mask
        True where a regulator is clamped (..., conditions, regulators).
    values
        Clamped expression, read where `mask` is true; gradients flow into it.
    solver
        `Newton()` by default; `Damped()` for the settings of the paper, `Anderson()` in between.
    adjoint
        `ReducedImplicit()` by default.
    core0
        Starting state of the regulators, such as the `core` of an earlier solution (a warm start).
    check_stability
        Whether converged states whose linearised core has spectral radius >= 1 get the status `UNSTABLE`.

    Returns
    -------
    A `Solution`. A condition that failed is marked by its status, never passed off as converged.

    Examples
    --------
    >>> import torch
    >>> from scclamp.physics import Network, steady_state
    >>> network = Network(n_genes=3, rows=torch.tensor([0]))
    >>> with torch.no_grad():
    ...     _ = network.A.copy_(torch.tensor([[0.0], [1.0], [-1.0]])), network.b.fill_(1.0)
    >>> mask, values = torch.tensor([[False], [True]]), torch.tensor([[0.0], [3.0]])
    >>> steady_state(network, mask, values).value.detach()
    tensor([[1.0000, 1.5000, 0.5000],
            [3.0000, 1.9000, 0.1000]])
    """
    shape = _check_clamps(dynamics, mask, values, core0)
    solver = Newton() if solver is None else solver
    adjoint = ReducedImplicit() if adjoint is None else adjoint
    problem = Problem(dynamics.core(), ~mask, values)
    with torch.no_grad():
        x0 = (dynamics.rest() if core0 is None else core0).expand(shape)
        settled = drive(solver, problem, x0)
    report = BackwardReport()
    finite = (settled.x.sum(-1, keepdim=True)).isfinite()
    all_finite = bool(finite.all())
    attached = adjoint.attach(problem, settled.x if all_finite else settled.x.where(finite, 1), x0, report)
    value = dynamics.readout(attached)
    if not all_finite:
        # NaN is put in last, where it stops gradients: a loss over the other conditions stays differentiable.
        value = value.where(finite, torch.nan)
    with torch.no_grad():
        bounds = dynamics.bounds
        outside = ((settled.x < bounds[0]) | (settled.x > bounds[1])).sum(-1)
        status = settled.status.masked_fill(~_sound(dynamics, value), int(Status.NONFINITE))
    linearisation = problem.linearise(settled.x)
    if check_stability:
        status = _mark_unstable(status, linearisation, shape[-1])
    return Solution(
        value, settled.x, status, settled.residual, settled.iterations, settled.rate, linearisation, outside, report
    )


def _sound(dynamics: Dynamics, value: Tensor) -> Tensor:
    """Mark conditions whose every gene is finite, under constants that are finite and positive.

    A constant that ran off to infinity or zero can leave finite states behind (an infinite decay rate gives zeros).
    """
    # One pass: a sum is finite exactly when its terms are, short of an overflow that no expression comes near.
    sound = value.detach().sum(-1).isfinite()
    for constant in dynamics.named_values().values():
        usable = (constant > 0) & (constant < torch.inf)
        sound = sound & usable.reshape(*dynamics.batch_shape, -1).all(-1, keepdim=True)
    return sound


def _mark_unstable(status: Tensor, linearisation: Linearisation, n_regulators: int) -> Tensor:
    """Mark converged conditions of spectral radius >= 1; the cheap bound clears nearly all before any eigenvalues."""
    bound = radius_bound(linearisation)
    status = status.masked_fill((status == Status.CONVERGED) & ~bound.isfinite(), int(Status.NONFINITE))
    limit = stability_limit(n_regulators, bound.dtype)
    suspect = (status == Status.CONVERGED) & ~(bound < limit)
    if not suspect.any():
        return status
    index = suspect.nonzero(as_tuple=True)
    radius = spectral_radius(linearisation.select(index)).to(status.device)
    status[index] = torch.where(radius < limit, int(Status.CONVERGED), int(Status.UNSTABLE)).to(status.dtype)
    return status


def _check_clamps(dynamics: Dynamics, mask: Tensor, values: Tensor, core0: Tensor | None) -> tuple[int, ...]:
    """Return the shape (*batch, conditions, regulators) of the core's state, or say what does not fit."""
    n_regulators = len(dynamics.rows)
    given = {"mask": mask, "values": values} | ({} if core0 is None else {"core0": core0})
    for name, tensor in given.items():
        if tensor.ndim < 2 or tensor.shape[-1] != n_regulators:
            raise InputError(
                f"{name} has shape {tuple(tensor.shape)}, but must end in (conditions, {n_regulators}): one column per "
                "regulator. Build it with scclamp.conditions.Conditions."
            )
        if name != "mask" and tensor.dtype != dynamics.b.dtype:
            raise InputError(
                f"{name} has dtype {tensor.dtype}, but the parameters have {dynamics.b.dtype}. "
                f"Pass {name}.to({dynamics.b.dtype}), or convert the dynamics."
            )
    if mask.dtype != torch.bool:
        raise InputError(f"mask has dtype {mask.dtype}, but must be torch.bool. Pass mask.bool().")
    latent = dynamics.rows < 0
    if not mask[..., latent].all():
        raise InputError(
            "mask leaves a latent regulator free, but a latent regulator has no dynamics of its own. Clamp it in every "
            "condition: 0 where it is untouched, 1 where it is perturbed."
        )
    shapes = [(*dynamics.batch_shape, 1, n_regulators), *(tuple(t.shape) for t in given.values())]
    try:
        return tuple(torch.broadcast_shapes(*shapes))
    except RuntimeError as error:
        described = ", ".join(f"{name} {tuple(t.shape)}" for name, t in given.items())
        raise InputError(
            f"{described} and batch_shape={dynamics.batch_shape} do not fit together. "
            "Give all of them the same members and conditions, or leave the member axis out."
        ) from error
