"""The optimiser loop: one epoch is solve, judge, score, differentiate, step. All members move side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scclamp._errors import NonFiniteError
from scclamp.fitting.adamw import AdamW
from scclamp.fitting.config import FitConfig
from scclamp.fitting.guard import Guard, shrink_to_pass
from scclamp.fitting.lowest import Lowest
from scclamp.fitting.members import assign_members, choose, per_member
from scclamp.fitting.model import WEIGHTS, build, start
from scclamp.fitting.objective import Losses, Objective
from scclamp.fitting.problem import FitProblem
from scclamp.physics import (
    Adjoint,
    Anderson,
    Chord,
    Damped,
    Iterative,
    Newton,
    ReducedImplicit,
    Solution,
    Solver,
    Status,
    Unrolled,
    steady_state,
)

_SOLVERS = {"anderson": Anderson, "newton": Newton}
_LARGEST_KEPT = 32 * 2**20 - 2**16
HISTORY = (
    "loss",
    "perturbation",
    "control",
    "sparsity",
    "validation",
    "gradient",
    "radius",
    "halvings",
    "steps",
    "failed",
)
"""Columns recorded for every epoch and member."""


class Trainer:
    """Fits all members of one problem; everything that a resumed run needs lives in its attributes.

    Parameters
    ----------
    problem
        Conditions to match, already on the device.
    config
        Settings.
    n_members
        Ensemble members fitted side by side.
    rng
        Draws the initial weights; not used afterwards.
    """

    def __init__(self, problem: FitProblem, config: FitConfig, n_members: int, rng: np.random.Generator) -> None:
        dtype = getattr(torch, config.dtype)
        self.config = config
        self.problem = problem = problem.to(problem.train.device, dtype)
        problem.require_finite()
        # A resumed fit must have begun from the same draw; the draw itself may differ in its last bits between machines.
        self.origin = repr(rng.bit_generator.state)
        self.dynamics = build(problem, config, n_members)
        self.parameters = dict(self.dynamics.named_parameters())
        self.trained = [p for p in self.parameters.values() if p.requires_grad]
        initial = {k: p.detach().clone() for k, p in self.parameters.items() if "log_" in k and p.requires_grad}
        self.objective = Objective(problem, config, initial)
        start(self.dynamics, problem, config, self.objective, rng)
        self.optimizer = _optimizer(self.parameters, config)
        self.guard = Guard(config.max_radius)
        self.epoch = 0
        self.core: Tensor | None = None
        self.inverse: Tensor | None = None
        self.adjoint_state: Tensor | None = None
        self.previous = self._snapshot()
        self.best = self._snapshot()
        self.best_core: Tensor | None = None
        self.lowest = Lowest(self._snapshot(), config.backtrack)
        self.best_loss = torch.full((n_members,), torch.inf, dtype=dtype, device=problem.train.device)
        self.best_epoch = torch.full((n_members,), -1, dtype=torch.int64, device=problem.train.device)
        self.history: dict[str, list[list[float]]] = {name: [] for name in HISTORY}

    @property
    def finished(self) -> bool:
        """Whether the longest fit is over or every member has run out of patience."""
        stalled = (self.epoch - 1 - self.best_epoch) >= self.config.patience
        return self.epoch >= self.config.max_epochs or (self.epoch > 0 and bool(stalled.all()))

    def run(self, on_epoch: Callable[[Trainer], None] | None = None) -> None:
        """Train until finished, calling `on_epoch` after every epoch."""
        # Seen once to be returned, a block of this size (never touched) has the C library keep what an epoch frees for
        # the next; else it may give all states back to the system, and wait for them to be cleared, several times an epoch.
        torch.empty(_LARGEST_KEPT, dtype=torch.uint8)
        while not self.finished:
            self.step()
            if on_epoch is not None:
                on_epoch(self)

    def step(self) -> None:
        """One epoch."""
        self.dynamics.zero_grad(set_to_none=True)
        solution, radius, halvings = self._solve_guarded()
        losses = self.objective(solution.value, self.parameters)
        self._check_finite(losses, solution)
        self.previous = self._snapshot()
        self._keep_best(losses.validation, solution)
        # Only our parameters: an encoder's own must come out of a fit without gradients.
        losses.total.sum().backward(inputs=self.trained)
        norm = self._clip()
        self.core, report = solution.core, solution.backward
        self.inverse, self.adjoint_state = report.inverse, report.solution
        self.optimizer.step()
        self._backtrack(losses.total.detach(), solution.core)
        self._record(losses, norm, radius, halvings, solution)
        self.epoch += 1

    def _solver(self) -> Solver:
        config = self.config
        steps = config.cold_steps if self.epoch < config.cold_epochs else config.warm_steps
        if config.solver == "damped":
            return Damped(config.damping, config.tol, steps)
        if config.solver == "chord":
            return Chord(config.tol, steps, inverse=self.inverse)
        return _SOLVERS[config.solver](tol=config.tol, max_steps=steps)

    def _adjoint(self) -> Adjoint:
        config = self.config
        if config.adjoint == "iterative":
            return Iterative()
        if config.adjoint == "unrolled":
            return Unrolled(config.cold_steps, config.damping)
        # A gradient as precise, relatively, as the states that it is taken at; rounding sets the floor.
        tol = max(config.tol, 20 * torch.finfo(getattr(torch, config.dtype)).eps)
        return ReducedImplicit(config.tikhonov, tol, inverse=self.inverse, guess=self.adjoint_state)

    def solve(self) -> Solution:
        """Steady states at the current parameters, warm-started from the last accepted ones."""
        return steady_state(
            self.dynamics,
            self.problem.mask,
            self.problem.values,
            solver=self._solver(),
            adjoint=self._adjoint(),
            core0=self.core,
            check_stability=False,
        )

    def _solve_guarded(self) -> tuple[Solution, Tensor, Tensor]:
        if self.config.guard:
            return shrink_to_pass(self.dynamics, self.previous, self.solve, self.guard)
        solution = self.solve()
        _, radius = self.guard.passes(solution)
        return solution, radius, torch.zeros_like(radius, dtype=torch.int32)

    def _check_finite(self, losses: Losses, solution: Solution) -> None:
        sound = losses.total.isfinite() & losses.validation.isfinite()
        # A state that is overwritten by its clamp, or kept from before, may hide what produced it.
        sound = sound & (solution.status != Status.NONFINITE).all(-1)
        if bool(sound.all()):
            return
        members = (~sound).nonzero().squeeze(-1).tolist()
        broken = [name for name, p in self.parameters.items() if not bool(p.isfinite().all())]
        if broken:
            where = f"parameters {', '.join(broken)}"
        elif inputs := self.problem.not_finite():
            where = ", ".join(inputs)
        else:
            settled = bool(solution.value.isfinite().all())
            where = "the encoded states or the target means" if settled else "the steady states"
        raise NonFiniteError(
            f"NaN or infinity in {where} at epoch {self.epoch} (member {', '.join(map(str, members))}): "
            f"{solution.describe()} Lower learning_rate={self.config.learning_rate}"
            f"{'' if self.config.guard else ', or fit with guard=True'}."
        )

    def _keep_best(self, validation: Tensor, solution: Solution) -> None:
        """Remember members that are better than ever, where every condition has arrived at what was scored."""
        better = (validation.detach() < self.best_loss) & solution.converged.all(-1)
        if not better.any():
            return
        known = solution.core if self.best_core is None else self.best_core
        self.best_core = torch.where(better[:, None, None], solution.core, known)
        self.best_loss = torch.where(better, validation.detach(), self.best_loss)
        self.best_epoch = torch.where(better, self.epoch, self.best_epoch)
        self.best = choose(better, self.previous, self.best)

    def _backtrack(self, total: Tensor, core: Tensor) -> None:
        """Send members that have not got lower for long back to their lowest point, at half the learning rate."""
        stuck = self.lowest.update(total, self.previous, core)
        if not stuck.any():
            return
        self.optimizer.restart(stuck, 0.5)
        self.previous = choose(stuck, self.lowest.parameters, self.previous)
        assign_members(self.parameters, choose(stuck, self.lowest.parameters, self.parameters))
        if self.lowest.core is not None:
            self.core = torch.where(stuck[:, None, None], self.lowest.core, core)

    def _clip(self) -> Tensor:
        """Scale each member's gradient to norm `grad_clip` at most; return the norms before."""
        gradients = [p.grad for p in self.parameters.values() if p.grad is not None]
        each = [torch.linalg.vector_norm(g.reshape(len(g), -1), dim=-1) for g in gradients]
        norm = torch.linalg.vector_norm(torch.stack(each), dim=0)
        if not bool(norm.isfinite().all()):
            raise NonFiniteError(
                f"NaN or infinity in the gradient at epoch {self.epoch}, though the objective is finite. The encoder may "
                "have no finite derivative at the predicted states; check it with torch.autograd.gradcheck."
            )
        scale = (self.config.grad_clip / norm.clamp(min=self.config.grad_clip)).to(norm.dtype)
        if bool((scale < 1).any()):
            for g in gradients:
                g *= per_member(scale, g)
        return norm

    def _snapshot(self) -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in self.parameters.items()}

    def _record(self, losses: Losses, norm: Tensor, radius: Tensor, halvings: Tensor, solution: Solution) -> None:
        failed = (~solution.converged).sum(-1)
        steps = solution.iterations.amax(-1)
        row = (*losses, norm, radius, halvings, steps, failed)
        for name, value in zip(HISTORY, row, strict=True):
            self.history[name].append(value.detach().to(torch.float64).expand(len(norm)).tolist())

    def restore_best(self) -> None:
        """Load the parameters of each member's best validation loss."""
        assign_members(self.parameters, self.best)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything a later process needs to go on as if it had never stopped: tensors, and JSON-able values."""
        tensors = {f"parameter.{k}": p.detach() for k, p in self.parameters.items()}
        tensors |= {f"previous.{k}": p for k, p in self.previous.items()}
        tensors |= {f"best.{k}": p for k, p in self.best.items()}
        tensors |= {"best_loss": self.best_loss, "best_epoch": self.best_epoch}
        carried = {"core": self.core, "inverse": self.inverse, "best_core": self.best_core}
        carried |= {"adjoint_state": self.adjoint_state}
        carried |= {"guard": self.guard.vector, "guard_accepted": self.guard.accepted}
        tensors |= {name: tensor for name, tensor in carried.items() if tensor is not None}
        for name, part in (("optimizer", self.optimizer), ("lowest", self.lowest)):
            tensors |= {f"{name}.{k}": v for k, v in part.state().items()}
        return tensors, {"epoch": self.epoch, "history": self.history}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        device = self.problem.train.device
        tensors = {k: v.to(device) for k, v in tensors.items()}
        assign_members(self.parameters, {k: tensors[f"parameter.{k}"] for k in self.parameters})
        self.previous = {k: tensors[f"previous.{k}"] for k in self.parameters}
        self.best = {k: tensors[f"best.{k}"] for k in self.parameters}
        self.best_loss, self.best_epoch = tensors["best_loss"], tensors["best_epoch"]
        self.core, self.inverse, self.best_core = (tensors.get(name) for name in ("core", "inverse", "best_core"))
        self.adjoint_state = tensors.get("adjoint_state")
        self.guard.vector, self.guard.accepted = tensors.get("guard"), tensors.get("guard_accepted")
        for name, part in (("optimizer", self.optimizer), ("lowest", self.lowest)):
            prefix = f"{name}."
            part.load_state({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        self.epoch, self.history = values["epoch"], values["history"]


def _optimizer(parameters: dict[str, torch.nn.Parameter], config: FitConfig) -> AdamW:
    trained = {name: p for name, p in parameters.items() if p.requires_grad}
    decay = {name: config.weight_decay for name in trained if name in WEIGHTS}
    return AdamW(trained, lr=config.learning_rate, betas=config.betas, weight_decay=decay)
