"""Choosing per member: parameters carry their member on the first axis, and members never mix."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def per_member(value: Tensor, like: Tensor) -> Tensor:
    """Shape one value per member so that it broadcasts over a parameter."""
    return value.view((-1,) + (1,) * (like.ndim - 1))


def choose(members: Tensor, new: Mapping[str, Tensor], old: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the parameters of the marked members from `new`, the others from `old`; neither may be written to later."""
    if members.all():
        return {name: new[name].detach() for name in old}
    return {name: torch.where(per_member(members, p), new[name].detach(), p.detach()) for name, p in old.items()}


@torch.no_grad()
def assign_members(parameters: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    """Write values into parameters, in place."""
    for name, parameter in parameters.items():
        parameter.copy_(values[name])
