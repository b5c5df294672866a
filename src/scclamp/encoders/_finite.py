"""States that hold a NaN or an infinity, which ranks and bins would take for silent genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scclamp._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def require_real(x: Tensor, name: str) -> None:
    """Refuse states of whole numbers, in whose precision an encoding would be cut to whole numbers too.

    Examples
    --------
    >>> require_real(torch.ones(2), "pca")
    """
    if not x.is_floating_point():
        raise InputError(
            f"x is of {x.dtype}, in which the numbers of encoder={name!r} would be cut. Pass log-normalised values: x.double()."
        )


def refuse_unknown(x: Tensor, name: str) -> None:
    """Refuse states (n, genes) with values that are not finite, unless gradients are wanted.

    States of a fit that ran off are for the fit to explain. Under `torch.vmap` no value can be asked. `nan_where_unknown`
    sees to both.
    """
    if x.requires_grad and torch.is_grad_enabled():
        return
    unknown = ~x.isfinite()
    try:
        n, n_states = int(unknown.sum()), int(unknown.any(-1).sum())
    except RuntimeError:
        return
    if n:
        raise InputError(
            f"x holds {n} {'value that is' if n == 1 else 'values that are'} NaN or infinite, in {n_states} of {len(x)} states, "
            f"and encoder={name!r} reads expression. Fill them in, or leave out these cells or genes."
        )


def nan_where_unknown(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Map states (n, genes); those with a value that is not finite become NaN, without being read.

    Examples
    --------
    >>> nan_where_unknown(lambda x: x.round(), torch.tensor([[0.6], [torch.inf]])).flatten()
    tensor([1., nan])
    """
    known = x.isfinite().all(-1, keepdim=True)
    return torch.where(known, function(torch.where(known, x, 0.0)), torch.nan)
