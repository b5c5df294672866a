"""States through a large frozen model, a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.checkpoint import checkpoint

from scclamp._errors import InputError
from scclamp.encoders._finite import nan_where_unknown, refuse_unknown, require_real

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

LARGEST = 32
"""How many times larger than asked a batch may grow."""
_GROWS = ("cuda",)


def in_batches(
    function: Callable[[Tensor], Tensor],
    x: Tensor,
    like: Tensor,
    *,
    name: str,
    n_genes: int,
    batch_size: int | None,
    grow: bool = True,
) -> Tensor:
    """Map states (..., genes) by a function of (states, genes), where and in the precision that a model is in.

    Gradients are found by computing each batch once more, so that memory does not grow with the number of states. Where none are
    wanted, batches on a CUDA device double for as long as they fit into its memory, up to 32 times the size that is asked for:
    a device is idle for most of a batch that is small enough for gradients.

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
    grow
        Whether larger batches may be tried; not where a state's answer depends on its batch.

    Returns
    -------
    What the function makes of them (..., d), where and in the precision that `x` is in.

    Raises
    ------
    InputError
        When states are of another panel, or hold a NaN or an infinity; where gradients are wanted, such states become NaN.

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
    require_real(x, name)
    flat = x.reshape(-1, n_genes).to(like)
    refuse_unknown(flat, name)
    found = nan_where_unknown(lambda known: _in_parts(function, known, batch_size, grow), flat)
    return found.reshape(*x.shape[:-1], found.shape[-1]).to(x)


def _in_parts(function: Callable[[Tensor], Tensor], flat: Tensor, batch_size: int | None, grow: bool) -> Tensor:
    if batch_size is None or len(flat) <= batch_size:
        return function(flat)
    again = flat.requires_grad and torch.is_grad_enabled()
    if grow and not again and flat.device.type in _GROWS:
        return torch.cat(_growing(function, flat, batch_size))
    return torch.cat([_again(function, part) if again else function(part) for part in flat.split(batch_size)])


def _growing(function: Callable[[Tensor], Tensor], flat: Tensor, batch_size: int) -> list[Tensor]:
    """Answers batch by batch, each twice as large as the one before until one does not fit."""
    parts: list[Tensor] = []
    at, size, limit = 0, batch_size, LARGEST * batch_size
    while at < len(flat):
        part = flat[at : at + size]
        # The size that was asked for is the user's: where that does not fit, the error says so.
        found = function(part) if size == batch_size else _unless_too_large(function, part)
        if found is None:
            size = limit = max(size // 2, batch_size)
            continue
        parts.append(found)
        at, size = at + len(part), min(2 * size, limit)
    return parts


def _unless_too_large(function: Callable[[Tensor], Tensor], part: Tensor) -> Tensor | None:
    try:
        return function(part)
    except torch.OutOfMemoryError:
        return None


def _again(function: Callable[[Tensor], Tensor], part: Tensor) -> Tensor:
    return checkpoint(function, part, use_reentrant=False, preserve_rng_state=False)
