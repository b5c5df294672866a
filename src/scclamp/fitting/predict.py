"""Steady states of many clamped conditions: chunks in bounded memory, a fast solver first and a sure one for the rest."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from scclamp.fitting.ensemble import Point, estimate, spread
from scclamp.fitting.stability import bounded_radius
from scclamp.physics import (
    Anderson,
    Damped,
    Dynamics,
    Linearisation,
    Newton,
    Problem,
    Solver,
    Status,
    drive,
    spectral_radius,
)
from scclamp.physics.solvers import Settled

_SEVERITY = (Status.CONVERGED, Status.MAX_STEPS, Status.UNSTABLE, Status.NONFINITE)
_WORKING_BYTES = 2**26
"""Chunks that stay near the caches are solved fastest."""
_EXACT_COST = 2.5e8


class States(NamedTuple):
    """Steady states of one chunk of conditions, over all members.

    Parameters
    ----------
    value
        The estimate of the ensemble (conditions, genes).
    sd
        Spread of the members around it; None when there is one.
    status
        Worst `Status` of any member (conditions,).
    residual
        Largest residual of any member.
    iterations
        Most steps of any member.
    radius_bound
        Largest upper bound of the spectral radius of any member's linearised core.
    radius
        The exact spectral radius, when asked for.
    """

    value: Tensor
    sd: Tensor | None
    status: Tensor
    residual: Tensor
    iterations: Tensor
    radius_bound: Tensor
    radius: Tensor | None


class Predictor:
    """Solves chunk after chunk of conditions with one fitted network, or with all members of an ensemble at once.

    Parameters
    ----------
    dynamics
        What was fitted, with one leading axis of members.
    doses
        Usual clamp value of each regulator (regulators,). Every solve starts from the sum of single effects at these.
    known
        States of the regulators that a fit arrived at, in the control and then in the single condition of each regulator
        (members, 1 + regulators, regulators). With several attractors these are the ones that were fitted.
    point
        The estimate of an ensemble: the mean over members, or the first, of which the others are resamples.
    working_bytes
        Memory that one chunk may take.

    Examples
    --------
    >>> import torch
    >>> from scclamp.physics import Network
    >>> network = Network(n_genes=3, rows=torch.tensor([0, 1]), batch_shape=(1,)).requires_grad_(False)
    >>> _ = network.b.fill_(1.0), network.A.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, -1.0]]))
    >>> predictor = Predictor(network, doses=torch.tensor([3.0, 2.0]))
    >>> predictor(torch.tensor([[True, False]]), torch.tensor([[3.0, 0.0]])).value
    tensor([[3.0000, 1.9000, 0.2170]])
    """

    def __init__(
        self,
        dynamics: Dynamics,
        doses: Tensor,
        *,
        known: Tensor | None = None,
        point: Point = "mean",
        working_bytes: int = _WORKING_BYTES,
    ) -> None:
        self.dynamics = dynamics
        self.point: Point = point
        self.core = dynamics.core()
        self.n_members, self.n_regulators = dynamics.b.shape[0], len(doses)
        self.chunk_size, self.n_dense = self._sizes(working_bytes)
        self.latent = dynamics.rows < 0
        dtype = dynamics.b.dtype
        # Steady states are wanted to rounding: the last steps of a contraction cost little.
        tol = {torch.float32: 1e-6, torch.float64: 1e-10}[dtype]
        self.solvers: tuple[Solver, ...] = (
            Damped(1.0, tol, 50),
            Anderson(tol=tol, max_steps=100),
            Newton(tol=tol, max_steps=50),
        )
        self._start(doses, known)

    def __call__(self, mask: Tensor, values: Tensor, *, exact_radius: bool = False) -> States:
        """Steady states with the regulators in `mask` held at `values`, both (conditions, regulators)."""
        with torch.no_grad():
            mask = mask | self.latent
            values = torch.where(mask, values, 0.0)
            settled = self._settle(~mask, values)
            linearisation = self.core.linearise(settled.x, (~mask).expand(settled.x.shape))
            bound, stable = bounded_radius(linearisation, self.n_regulators, self.n_dense)
            status = settled.status.masked_fill((settled.status == Status.CONVERGED) & ~stable, int(Status.UNSTABLE))
            value = self.dynamics.readout(settled.x)
            status = status.masked_fill(~value.sum(-1).isfinite(), int(Status.NONFINITE))
            return States(
                estimate(value, self.point),
                spread(value, self.point),
                _worst(status),
                settled.residual.amax(0),
                settled.iterations.amax(0),
                bound.amax(0),
                self._radius(linearisation, settled.x).amax(0) if exact_radius else None,
            )

    def can_be_exact(self, n_conditions: int) -> bool:
        """Whether the eigenvalues of that many conditions take seconds rather than minutes."""
        return n_conditions * self.n_members * self.n_regulators**3 <= _EXACT_COST

    def _sizes(self, working_bytes: int) -> tuple[int, int]:
        """Conditions solved at a time, and matrices held at a time."""
        itemsize = self.dynamics.b.element_size()
        n_genes = self.dynamics.b.shape[-1]
        per_condition = itemsize * self.n_members * (5 * n_genes + 24 * self.n_regulators)
        # Newton and the eigenvalues hold a few copies, some of them complex in double precision.
        per_matrix = 6 * 16 * self.n_regulators**2
        return max(1, working_bytes // per_condition), max(1, working_bytes // per_matrix)

    def _start(self, doses: Tensor, known: Tensor | None) -> None:
        """Solve the control and all singles, whose sum is where every other condition starts."""
        n = self.n_regulators
        self.rest = self.effects = self.dynamics.rest()
        mask = torch.cat([torch.zeros(1, n, dtype=torch.bool), torch.eye(n, dtype=torch.bool)]).to(doses.device)
        values = torch.where(mask, doses, 0.0)
        x0 = (self.rest if known is None else known).expand(self.n_members, n + 1, n)
        chunks = [t.split(self.chunk_size, -2) for t in (mask, values, x0)]
        with torch.no_grad():
            parts = [self._drive(self.solvers[0], ~(m | self.latent), v, x).x for m, v, x in zip(*chunks, strict=True)]
        x = torch.cat(parts, 1)
        self.rest = torch.where(x[:, :1].isfinite(), x[:, :1], self.rest)
        self.effects = (x[:, 1:] - self.rest).nan_to_num(0.0, 0.0, 0.0)

    def _drive(self, solver: Solver, free: Tensor, values: Tensor, x0: Tensor) -> Settled:
        return drive(solver, Problem(self.core, free, values), x0)

    def _settle(self, free: Tensor, values: Tensor) -> Settled:
        touched = (~free & (~self.latent | (values != 0))).to(values.dtype)
        x0 = self.rest + touched @ self.effects
        settled = self._drive(self.solvers[0], free, values, x0)
        for solver in self.solvers[1:]:
            pending = (settled.status != Status.CONVERGED).any(0).nonzero().squeeze(-1)
            if not len(pending):
                break
            for part in pending.split(max(1, self.n_dense // self.n_members)):
                known = settled.x[:, part]
                start = torch.where(known.isfinite().all(-1, keepdim=True), known, x0[:, part])
                again = self._drive(solver, free[part], values[part], start)
                settled.iterations[:, part] += again.iterations
                for name in ("x", "status", "residual"):
                    getattr(settled, name)[:, part] = getattr(again, name)
        return settled

    def _radius(self, linearisation: Linearisation, x: Tensor) -> Tensor:
        radius = torch.full(x.shape[:-1], torch.nan, dtype=torch.float64, device=x.device)
        for part in x.isfinite().all(-1).nonzero().split(self.n_dense):
            index = part.unbind(-1)
            radius[index] = spectral_radius(linearisation.select(index))
        return radius


def _worst(status: Tensor) -> Tensor:
    """Worst status over the members."""
    severity = torch.empty(len(_SEVERITY), dtype=torch.int64, device=status.device)
    severity[torch.tensor(_SEVERITY, device=status.device)] = torch.arange(len(_SEVERITY), device=status.device)
    order = torch.tensor(_SEVERITY, dtype=torch.int8, device=status.device)
    return order[severity[status.long()].amax(0)]
