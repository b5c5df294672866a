"""AdamW in the few lines it takes, with a flat state that a checkpoint can hold.

The optimiser of torch computes the same, but its import loads the compiler and the distributed runtime, which takes longer
than many fits.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class AdamW:
    """Adam with decoupled weight decay, over named parameters.

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
        self.parameters, self.lr, self.betas, self.eps = dict(parameters), lr, betas, eps
        self.weight_decay = dict(weight_decay or {})
        self.taken = 0
        self.first = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.second = {name: torch.zeros_like(p) for name, p in self.parameters.items()}

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        self.taken += 1
        beta1, beta2 = self.betas
        correction1, correction2 = 1 - beta1**self.taken, 1 - beta2**self.taken
        for name, parameter in self.parameters.items():
            gradient = parameter.grad
            if gradient is None:
                continue
            first, second = self.first[name], self.second[name]
            first.lerp_(gradient, 1 - beta1)
            second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            parameter.mul_(1 - self.lr * self.weight_decay.get(name, 0.0))
            spread = second.sqrt().div_(correction2**0.5).add_(self.eps)
            parameter.addcdiv_(first, spread, value=-self.lr / correction1)

    def state(self) -> dict[str, Tensor]:
        """Both moments by name; `taken` is kept by the caller."""
        first = {f"first.{name}": value for name, value in self.first.items()}
        return first | {f"second.{name}": value for name, value in self.second.items()}

    def load_state(self, tensors: Mapping[str, Tensor], taken: int) -> None:
        """Continue from what `state` returned."""
        self.taken = taken
        self.first = {name: tensors[f"first.{name}"].clone() for name in self.first}
        self.second = {name: tensors[f"second.{name}"].clone() for name in self.second}
