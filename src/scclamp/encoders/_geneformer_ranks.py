"""Places of genes in the sequence of a cell, most expressed first, with a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from scclamp._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


class Places(NamedTuple):
    """Where the genes of each cell stand in its sequence.

    Parameters
    ----------
    rank
        Genes of the cell above each gene (cells, genes), 0 for genes that are not read.
    first, last
        Whole places between which the gradient of an exact rank is taken; None where ranks are soft.
    """

    rank: Tensor
    first: Tensor | None = None
    last: Tensor | None = None

    def each(self, function: Callable[[Tensor], Tensor]) -> Places:
        """Do the same to all that there is."""
        return Places(*(function(part) for part in self if part is not None))


def places(level: Tensor, present: Tensor, *, temperature: float = 0.0) -> Places:
    """Rank of every gene in its cell, 0 for the highest level.

    Genes of equal level share the middle of their places, where Geneformer's own order of them is any.

    Parameters
    ----------
    level
        What decides the order (cells, genes).
    present
        Genes that are in the sequence (cells, genes); others count for nothing.
    temperature
        At 0 ranks are exact, and their gradient is that of soft ranks, of a width that each cell's levels choose: how many places
        a gene passes between one width below and one above, and by how much it moves the genes that it passes. Above 0 ranks are
        soft, and the gradient is that of what is returned: a gene counts as above another for a part of one that grows in a
        line from 0, where it is `temperature` below, to 1, where it is as far above.

    Returns
    -------
    The ranks. Those of one cell sum to the same number whatever their gradient, since whoever rises lets others sink.

    Examples
    --------
    >>> level = torch.tensor([[0.0, 3.0, 1.0, 1.5]])
    >>> every = torch.ones(1, 4, dtype=torch.bool)
    >>> places(level, every).rank
    tensor([[3., 0., 2., 1.]])
    >>> places(level, every, temperature=1.0).rank
    tensor([[3.0000, 0.0000, 1.7500, 1.2500]])
    """
    # Distances alone count, and numbers near zero keep them best.
    level = level - (level.detach() * present).sum(-1, keepdim=True) / present.sum(-1, keepdim=True).clamp(min=1)
    ordered, order = torch.where(present, level, torch.inf).sort(-1)
    ordered, n = ordered.detach().contiguous(), present.sum(-1, keepdim=True)
    width = level.new_full((len(level), 1), temperature) if temperature > 0 else _width(ordered, n)
    still = level.detach()
    start = torch.searchsorted(ordered, (still - width).contiguous())
    end = torch.searchsorted(ordered, (still + width).contiguous(), right=True).minimum(n)
    total = torch.where(present, level, 0.0).gather(-1, order).cumsum(-1)
    total = torch.nn.functional.pad(total, (1, 0))
    gaps = total.gather(-1, end) - total.gather(-1, start) - (end - start) * level
    # Where all levels are equal there is no width, and nothing to pass.
    steepness = torch.where(width > 0, 0.5 / width, 0.0)
    soft = (n - end) + (end - start - 1) / 2 + steepness * gaps
    if temperature > 0:
        return Places(torch.where(present, soft, 0.0))
    above = torch.searchsorted(ordered, still.contiguous(), right=True).minimum(n)
    equal = above - torch.searchsorted(ordered, still.contiguous())
    exact = (n - above) + (equal - 1) / 2
    rank = torch.where(present, exact.to(level.dtype) + (soft - soft.detach()), 0.0)
    return Places(rank, (n - end).clamp(min=0), (n - start - 1).clamp(min=0))


def embed(table: Tensor, at: Places) -> Tensor:
    """Rows of a table (places, d) for ranks (cells, genes): on the line between two rows where a rank lies between them.

    The gradient of exact ranks is the slope between the two places that are furthest apart within the width, as that of one row to
    the next says little of what a gene meets that passes many.

    Parameters
    ----------
    table
        One row for each place.
    at
        Ranks, none beyond the last row.

    Examples
    --------
    >>> embed(torch.tensor([[0.0], [1.0], [4.0]]), Places(torch.tensor([[0.0, 1.5, 2.0]]))).flatten()
    tensor([0.0000, 2.5000, 4.0000])
    """
    if at.first is None or at.last is None:
        return _between(table, at.rank)
    slope = (table[at.last] - table[at.first]) / (at.last - at.first).clamp(min=1)[..., None]
    return _between(table, at.rank.detach()) + slope * (at.rank - at.rank.detach())[..., None]


def require_temperature(temperature: float) -> None:
    """Refuse what no width can be."""
    if not 0 <= temperature < float("inf"):
        raise InputError(f"temperature={temperature!r} must be a number that is not negative. Use 0 for exact ranks.")


def _between(table: Tensor, rank: Tensor) -> Tensor:
    low = rank.detach().floor().clamp(0, max(len(table) - 2, 0))
    share = (rank - low)[..., None]
    at = low.long()
    return table[at] * (1 - share) + table[(at + 1).clamp(max=len(table) - 1)] * share


def _width(ordered: Tensor, n: Tensor) -> Tensor:
    """Half the width of a box that estimates densities by Silverman's rule, and no less than a mean gap; 0 without spread."""
    last = (n - 1).clamp(min=0)
    lower, upper = (ordered.gather(-1, part) for part in (last // 4, 3 * last // 4))
    box = 3**0.5 * 0.9 * (upper - lower) / 1.349 * n.clamp(min=1).to(ordered.dtype) ** -0.2
    gap = (ordered.gather(-1, last) - ordered[..., :1]) / last.clamp(min=1)
    return torch.where(n > 1, box.maximum(gap), 0.0)
