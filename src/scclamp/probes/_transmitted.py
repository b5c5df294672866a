"""How strongly an encoder answers to directions of gene space that are added to cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scclamp._errors import InputError
from scclamp.probes._derivative import along

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Encode = Callable[[Tensor], Tensor]

_ENTRIES = 2**24
"""Entries of the states that are encoded at a time, where nothing else is said."""


@torch.no_grad()
def transmission(
    encode: Encode, cells: Tensor, directions: Tensor, scale: float, *, batch_size: int | None = None
) -> Tensor:
    """Answer to each direction at each cell, ``|Enc(x + c v) - Enc(x)| / c`` (equation 7 of the paper before its mean).

    Parameters
    ----------
    encode
        Differentiable map of states (n, genes) to representations (n, d).
    cells
        States to which directions are added (n, genes).
    directions
        Directions v, one in each row (k, genes).
    scale
        Length c of what is added.
    batch_size
        States encoded at a time; by default as many as fit in 64 MB of single precision.

    Returns
    -------
    Transmissions (n, k).

    Examples
    --------
    >>> import torch
    >>> transmission(lambda x: 2 * x, torch.zeros(1, 3), torch.eye(3), 0.5)
    tensor([[2., 2., 2.]])
    """
    if not 0 < scale < float("inf"):
        raise InputError(f"scale={scale!r} must be a positive length. Use the median length of the observed shifts.")
    at_once = _batch(batch_size, cells)
    rest = torch.cat([encode(part) for part in cells.split(at_once)])
    found = cells.new_empty(len(cells), len(directions))
    for start in range(0, found.numel(), at_once):
        flat = torch.arange(start, min(start + at_once, found.numel()), device=cells.device)
        cell, direction = flat // len(directions), flat % len(directions)
        answer = encode(cells[cell] + scale * directions[direction]) - rest[cell]
        found.view(-1)[start : start + at_once] = torch.linalg.vector_norm(answer, dim=-1) / scale
    return found


def infinitesimal_transmission(
    encode: Encode, cells: Tensor, directions: Tensor, *, batch_size: int | None = None
) -> Tensor:
    """Answer to an infinitely small step, ``|J(x) v|``, by products of the Jacobian with each direction.

    Parameters
    ----------
    encode, cells, directions, batch_size
        As in `transmission`.

    Returns
    -------
    Transmissions (n, k).

    Examples
    --------
    >>> import torch
    >>> infinitesimal_transmission(lambda x: x**2, torch.ones(1, 2), torch.eye(2))
    tensor([[2., 2.]])
    """
    at_once = _batch(batch_size, cells)
    found = cells.new_empty(len(cells), len(directions))
    for start in range(0, found.numel(), at_once):
        flat = torch.arange(start, min(start + at_once, found.numel()), device=cells.device)
        cell, direction = flat // len(directions), flat % len(directions)
        answer = along(encode, cells[cell], directions[direction])
        found.view(-1)[start : start + at_once] = torch.linalg.vector_norm(answer, dim=-1)
    return found


def _batch(batch_size: int | None, cells: Tensor) -> int:
    return max(1, _ENTRIES // cells.shape[-1]) if batch_size is None else batch_size
