"""States through a large frozen model, a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.checkpoint import checkpoint

from scclamp._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def in_batches(
    function: Callable[[Tensor], Tensor], x: Tensor, like: Tensor, *, name: str, n_genes: int, batch_size: int | None
) -> Tensor:
    """Map states (..., genes) by a function of (states, genes), where and in the precision that a model is in.

    Gradients are found by computing each batch once more, so that memory does not grow with the number of states.

    Parameters
    ----------
    function
        From (states, genes) to (states, d).
    x
        States.
    like
        A parameter of the model.
    name, n_genes
        Name of the encoder, and the genes that it was made for.
    batch_size
        States at a time; None for all, with everything kept.

    Returns
    -------
    What the function makes of them (..., d), where and in the precision that `x` is in.

    Examples
    --------
    >>> states = torch.arange(6.0).reshape(3, 2)
    >>> in_batches(
    ...     lambda part: part.sum(-1, keepdim=True), states, states, name="sum", n_genes=2, batch_size=2
    ... ).flatten()
    tensor([1., 5., 9.])
    """
    if x.shape[-1] != n_genes:
        raise InputError(
            f"x has {x.shape[-1]} genes, but encoder={name!r} was made for {n_genes}. Pass the panel that it knows."
        )
    flat = x.reshape(-1, n_genes).to(like)
    if batch_size is None or len(flat) <= batch_size:
        found = function(flat)
    else:
        parts = flat.split(batch_size)
        again = flat.requires_grad and torch.is_grad_enabled()
        found = torch.cat([_again(function, part) if again else function(part) for part in parts])
    return found.reshape(*x.shape[:-1], found.shape[-1]).to(x)


def _again(function: Callable[[Tensor], Tensor], part: Tensor) -> Tensor:
    return checkpoint(function, part, use_reentrant=False, preserve_rng_state=False)
