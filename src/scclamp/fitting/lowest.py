"""The lowest training objective of each member, where a member returns to when its steps lead uphill."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from scclamp.fitting.members import choose

UPHILL = 2.0
"""A member whose objective exceeds its lowest by this factor is sent back at once."""


class Lowest:
    """Remembers each member's lowest point, and says who has left it too far or for too long.

    An adaptive optimiser takes steps of one size however small the gradient is, so a learning rate that is too large
    for the landscape wanders away instead of settling; going back at half the rate turns that into a line search.

    Parameters
    ----------
    parameters
        Parameters at the start.
    patience
        Epochs without a lower objective before a member is sent back; 0 never is.
    """

    def __init__(self, parameters: Mapping[str, Tensor], patience: int) -> None:
        some = parameters["b"]
        self.patience = patience
        self.parameters = dict(parameters)
        self.loss = torch.full(some.shape[:1], torch.inf, dtype=some.dtype, device=some.device)
        self.waited = torch.zeros_like(self.loss)
        self.core: Tensor | None = None

    def update(self, loss: Tensor, parameters: Mapping[str, Tensor], core: Tensor) -> Tensor:
        """Record this epoch; return the members to send back (*members,)."""
        if not self.patience:
            return torch.zeros_like(loss, dtype=torch.bool)
        lower = loss < self.loss
        self.core = core if self.core is None else torch.where(lower[:, None, None], core, self.core)
        if lower.any():
            self.loss = torch.where(lower, loss, self.loss)
            self.parameters = choose(lower, parameters, self.parameters)
        self.waited = torch.where(lower, 0.0, self.waited + 1)
        stuck = (self.waited >= self.patience) | (loss > UPHILL * self.loss)
        self.waited = self.waited.masked_fill(stuck, 0)
        return stuck

    def state(self) -> dict[str, Tensor]:
        """Everything by name, for a checkpoint."""
        core = {} if self.core is None else {"core": self.core}
        return (
            {f"parameter.{k}": v for k, v in self.parameters.items()}
            | {"loss": self.loss, "waited": self.waited}
            | core
        )

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from what `state` returned."""
        self.parameters = {name: tensors[f"parameter.{name}"] for name in self.parameters}
        self.loss, self.waited, self.core = tensors["loss"], tensors["waited"], tensors.get("core")
