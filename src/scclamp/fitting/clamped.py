"""One fitted network that is asked: its control, its single effects, and the law by which these combine."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Self

import torch
from torch import Tensor

from scclamp.fitting.combination import Combination, Combined, Parts, combine, norms_of_singles
from scclamp.fitting.predict import Predictor
from scclamp.physics import Status

if TYPE_CHECKING:
    import numpy as np

    from scclamp.fitting.config import FitConfig
    from scclamp.fitting.ensemble import Point
    from scclamp.physics import Dynamics


class Shifts(NamedTuple):
    """Shifts (targets, genes) from the network's own control, and whether all states behind each are to be trusted."""

    value: Tensor
    sound: Tensor


class ClampedNetwork:
    """Solves clamped states of one fitted network and combines them by the law that the fit was configured with.

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

    Examples
    --------
    >>> from scclamp.fitting import FitConfig
    >>> from scclamp.physics import Network
    >>> network = Network(n_genes=3, rows=torch.tensor([0, 1]), batch_shape=(1,)).requires_grad_(False)
    >>> _ = network.b.fill_(1.0), network.A.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, -1.0]]))
    >>> asked = ClampedNetwork(network, torch.tensor([3.0, 2.0]).numpy(), FitConfig(crowding=0.0, interaction=1.0))
    >>> asked.control + asked.shifts(torch.tensor([[True, False]]), torch.tensor([[3.0, 0.0]])).value
    tensor([[3.0000, 1.9000, 0.2170]])
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
        n = len(self.doses)
        nothing = torch.zeros(1, n, dtype=torch.bool, device=self.doses.device)
        self.control = self.predictor(nothing, nothing.to(self.doses)).value[0]
        self.law = Combination.of(config, self.singles(torch.arange(n, device=self.doses.device), self.doses).norms)

    def without_law(self) -> Self:
        """Return the same network, whose combinations are its steady states as they are."""
        bare = copy.copy(self)
        bare.law = replace(self.law, crowding=0.0, interaction=1.0)
        return bare

    def shifts(self, mask: Tensor, values: Tensor) -> Shifts:
        """Shifts with the regulators in `mask` held at `values`, both (targets, regulators)."""
        states = self._solve(mask, values)
        several = mask.sum(1) > 1
        if self.law.is_steady_state or not bool(several.any()):
            return Shifts(states.value - self.control, states.sound)
        found = self.combine(states.value, self._parts(mask & several[:, None], values), mask, values)
        return Shifts(found.value - self.control, states.sound & found.sound)

    def singles(self, regulators: Tensor, doses: Tensor) -> Parts:
        """What happens when one regulator is held, for one after another."""
        mask = torch.nn.functional.one_hot(regulators, len(self.doses)).bool()
        states = self._solve(mask, torch.where(mask, doses[:, None], 0.0))
        shift = states.value - self.control
        return Parts(shift, norms_of_singles(shift, self.rows[regulators]), states.sound)

    def combine(self, value: Tensor, parts: Parts, mask: Tensor, held: Tensor) -> Combined:
        """Apply the law to the network's states of some targets (targets, genes), whose single effects are known."""
        return combine(self.law, self.control, value, parts, rows=self.rows, mask=mask, held=held)

    def _solve(self, mask: Tensor, values: Tensor) -> Shifts:
        """States rather than shifts, chunk after chunk."""
        size = self.predictor.chunk_size
        parts = [self.predictor(m, v) for m, v in zip(mask.split(size), values.split(size), strict=True)]
        status = torch.cat([part.status for part in parts])
        return Shifts(torch.cat([part.value for part in parts]), status == Status.CONVERGED)

    def _parts(self, mask: Tensor, values: Tensor) -> Parts:
        """Single effects in each target; its parts are the regulators."""
        target, regulator = mask.nonzero(as_tuple=True)
        pairs = torch.stack([regulator.to(values.dtype), values[mask]], 1)
        unique, which = pairs.unique(dim=0, return_inverse=True)
        single = self.singles(unique[:, 0].long(), unique[:, 1])
        additive = single.shift.new_zeros(len(mask), single.shift.shape[1])
        additive.index_add_(0, target, single.shift[which])
        norms = torch.zeros_like(values)
        norms[target, regulator] = single.norms[which]
        unsound = torch.zeros(len(mask), dtype=torch.bool, device=mask.device)
        unsound[target[~single.sound[which]]] = True
        return Parts(additive, norms, ~unsound)
