"""Expression ranks of GREmLN: zero, then the quantile bins of what a cell expresses, with a gradient, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scclamp.encoders._binning import STEEPEST, quantile_edges

if TYPE_CHECKING:
    from torch import Tensor


def ranks(x: Tensor, n_bins: int, *, temperature: float = 0.0) -> Tensor:
    """Rank of every gene in its cell: 0 without expression, otherwise 1 to `n_bins` - 1 by the quantiles of the cell.

    A rank is 1 and the number of inner quantiles below a value. Values that are equal share the lower rank; a cell whose values
    are all equal has the middle rank.

    Parameters
    ----------
    x
        Expression (..., genes).
    n_bins
        Number of ranks, zero included.
    temperature
        At 0 ranks are exact, and the gradient is how many ranks a value passes per unit when it moves alone. Above 0 each
        quantile is a sigmoid, as wide as `temperature` mean widths of a rank, and the gradient is that of what is returned.

    Returns
    -------
    Ranks (..., genes), whole numbers at temperature 0.

    Examples
    --------
    >>> ranks(torch.tensor([0.0, 1.0, 2.0, 5.0]), 4)
    tensor([0., 1., 2., 3.])
    """
    edges = quantile_edges(x, n_bins)
    width = (edges[..., -1:] - edges[..., :1]) / (n_bins - 1)
    flat = width <= 0
    if temperature > 0:
        found = torch.ones_like(x)
        for edge in edges[..., 1:-1].unbind(-1):
            found = found + ((x - edge[..., None]) / (temperature * torch.where(flat, 1.0, width))).sigmoid()
    else:
        edges, still = edges.detach().contiguous(), x.detach().contiguous()
        found = 1.0 + torch.searchsorted(edges[..., 1:-1].contiguous(), still).to(x.dtype)
        line = _slope(still, edges, found, width.detach()) * x
        found = found + (line - line.detach())
    return torch.where(x > 0, torch.where(flat, float(round(n_bins / 2)), found), 0.0)


def _slope(x: Tensor, edges: Tensor, found: Tensor, width: Tensor) -> Tensor:
    """Ranks per unit between the edges on both sides of a value; the least value looks upwards, past those that equal it."""
    lower = found.long() - 1
    above = torch.searchsorted(edges, x, right=True).clamp(max=edges.shape[-1] - 1)
    upper = torch.where(lower == 0, above.clamp(min=1), lower + 1)
    between = edges.gather(-1, upper) - edges.gather(-1, lower)
    least = (width / STEEPEST).clamp(min=torch.finfo(x.dtype).tiny)
    return torch.where(width > 0, (upper - lower) / between.maximum(least), 0.0)


def values_of(rank: Tensor, x: Tensor, n_bins: int) -> Tensor:
    """Expression that ranks stand for in a cell: the middle of the bin between its quantiles, and lines from one to the next.

    Parameters
    ----------
    rank
        Ranks (..., k), whole or not.
    x
        Expression (..., genes) of the cells whose quantiles give ranks a meaning.
    n_bins
        Number of ranks, zero included.

    Examples
    --------
    >>> x = torch.tensor([0.0, 1.0, 2.0, 5.0])
    >>> values_of(torch.tensor([0.0, 0.5, 1.0, 3.0]), x, 4)
    tensor([0.0000, 0.6667, 1.3333, 4.0000])
    """
    edges = torch.where((x > 0).any(-1, keepdim=True), quantile_edges(x, n_bins), 0.0)
    place = (rank - 0.5).clamp(0.5, n_bins - 1.5)
    low = place.detach().floor().clamp(max=n_bins - 2)
    below, above = edges.gather(-1, low.long()), edges.gather(-1, low.long() + 1)
    return (below + (above - below) * (place - low)) * rank.clamp(0, 1)
