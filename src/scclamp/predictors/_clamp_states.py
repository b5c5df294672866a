"""Shifts that a fitted network predicts when regulators are held, combined by the law it was configured with."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from scclamp.fitting.combination import Combination, Parts, combine, norms_of_singles
from scclamp.fitting.predict import Predictor
from scclamp.physics import Status

if TYPE_CHECKING:
    from scclamp.fitting import FitConfig
    from scclamp.fitting.ensemble import Point
    from scclamp.physics import Dynamics


class Shifts(NamedTuple):
    """Shifts (targets, genes) from the network's own control, and whether all states behind each are to be trusted."""

    value: Tensor
    sound: Tensor


class ClampStates:
    """Solves clamped states of one fitted network and takes their shifts.

    Parameters
    ----------
    dynamics
        What was fitted, with one leading axis of members and no gradients.
    doses
        Usual clamp value of each regulator (regulators,).
    config
        Settings of the fit; its law of combinations is applied.
    known
        States of the regulators that the fit arrived at, in the control and then in each single condition; with several
        attractors predictions stay at these.
    point
        The estimate of an ensemble: the mean over members, or the first, of which the others are resamples.
    """

    def __init__(
        self,
        dynamics: Dynamics,
        doses: np.ndarray,
        config: FitConfig,
        *,
        known: Tensor | None = None,
        point: Point = "mean",
    ) -> None:
        self.doses = torch.as_tensor(doses).to(dynamics.b)
        self.rows = dynamics.rows
        self.predictor = Predictor(dynamics, self.doses, known=known, point=point)
        n = len(doses)
        nothing = torch.zeros(1, n, dtype=torch.bool, device=self.doses.device)
        self.control = self._solve(nothing, nothing.to(self.doses)).value[0]
        every = torch.arange(n, device=self.doses.device)
        usual = self._single(every, self.doses).value
        self.law = Combination.of(config, norms_of_singles(usual, self.rows))

    def shifts(self, mask: Tensor, values: Tensor) -> Shifts:
        """Shifts with the regulators in `mask` held at `values`, both (targets, regulators)."""
        states = self._solve(mask, values)
        several = mask.sum(1) > 1
        if self.law.is_steady_state or not bool(several.any()):
            return Shifts(states.value - self.control, states.sound)
        parts = self._parts(mask & several[:, None], values)
        found = combine(self.law, self.control, states.value, parts, rows=self.rows, mask=mask, held=values)
        return Shifts(found.value - self.control, states.sound & found.sound)

    def without_law(self) -> ClampStates:
        """Return the same network, whose combinations are its steady states as they are."""
        bare = copy.copy(self)
        bare.law = replace(self.law, crowding=0.0, interaction=1.0)
        return bare

    def _solve(self, mask: Tensor, values: Tensor) -> Shifts:
        size = self.predictor.chunk_size
        parts = [self.predictor(m, v) for m, v in zip(mask.split(size), values.split(size), strict=True)]
        status = torch.cat([part.status for part in parts])
        return Shifts(torch.cat([part.value for part in parts]), status == Status.CONVERGED)

    def _single(self, regulators: Tensor, doses: Tensor) -> Shifts:
        mask = torch.nn.functional.one_hot(regulators, len(self.doses)).bool()
        states = self._solve(mask, torch.where(mask, doses[:, None], 0.0))
        return Shifts(states.value - self.control, states.sound)

    def _parts(self, mask: Tensor, values: Tensor) -> Parts:
        """Single effects in each target; its parts are the regulators."""
        target, regulator = mask.nonzero(as_tuple=True)
        pairs = torch.stack([regulator.to(values.dtype), values[mask]], 1)
        unique, which = pairs.unique(dim=0, return_inverse=True)
        held = unique[:, 0].long()
        single = self._single(held, unique[:, 1])
        additive = single.value.new_zeros(len(mask), single.value.shape[1])
        additive.index_add_(0, target, single.value[which])
        norms = torch.zeros_like(values)
        norms[target, regulator] = norms_of_singles(single.value, self.rows[held])[which]
        unsound = torch.zeros(len(mask), dtype=torch.bool, device=mask.device)
        unsound[target[~single.sound[which]]] = True
        return Parts(additive, norms, ~unsound)
