"""AdamW in the few lines it takes, with a flat state that a checkpoint can hold.

The optimiser of torch computes the same, but its import loads the compiler and the distributed runtime, which takes longer
than many fits.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from scclamp.fitting.members import per_member


class AdamW:
    """Adam with decoupled weight decay, over named parameters whose first axis is the member.

    Each member has its own step size, so that one can be slowed down or started anew while the others go on.

    Parameters
    ----------
    parameters
        What is trained, by name.
    lr, betas, eps
        Step size, decay of the two moments, and what keeps the denominator from zero.
    weight_decay
        Decay by name; zero for names that are not listed.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: Mapping[str, float] | None = None,
    ) -> None:
        self.parameters, self.betas, self.eps = dict(parameters), betas, eps
        self.weight_decay = dict(weight_decay or {})
        some = next(iter(self.parameters.values()))
        self.lr = torch.full(some.shape[:1], lr, dtype=some.dtype, device=some.device)
        self.taken = torch.zeros_like(self.lr)
        self.first = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.second = {name: torch.zeros_like(p) for name, p in self.parameters.items()}

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        self.taken += 1
        beta1, beta2 = self.betas
        correction = (1 - beta2**self.taken).sqrt()
        # The step per member, and eps as it stands beside second moments that are not corrected: it saves two passes.
        length = self.lr * correction / (1 - beta1**self.taken)
        eps = self.eps * correction
        for name, parameter in self.parameters.items():
            gradient = parameter.grad
            if gradient is None:
                continue
            first, second = self.first[name], self.second[name]
            first.lerp_(gradient, 1 - beta1)
            second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            if decay := self.weight_decay.get(name, 0.0):
                parameter.mul_(per_member(1 - self.lr * decay, parameter))
            spread = second.sqrt().add_(per_member(eps, parameter)).div_(per_member(length, parameter))
            parameter.addcdiv_(first, spread, value=-1)

    @torch.no_grad()
    def restart(self, members: Tensor, factor: float) -> None:
        """Forget the moments of some members and scale their step size."""
        self.lr = torch.where(members, self.lr * factor, self.lr)
        self.taken = self.taken.masked_fill(members, 0)
        for moments in (self.first, self.second):
            for value in moments.values():
                value.masked_fill_(per_member(members, value), 0)

    def state(self) -> dict[str, Tensor]:
        """Step sizes, steps taken, and both moments by name."""
        moments = {f"first.{name}": value for name, value in self.first.items()}
        moments |= {f"second.{name}": value for name, value in self.second.items()}
        return {"lr": self.lr, "taken": self.taken} | moments

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from what `state` returned."""
        self.lr, self.taken = tensors["lr"].clone(), tensors["taken"].clone()
        self.first = {name: tensors[f"first.{name}"].clone() for name in self.first}
        self.second = {name: tensors[f"second.{name}"].clone() for name in self.second}
