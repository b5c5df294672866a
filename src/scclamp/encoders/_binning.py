"""Quantile bins of the non-zero genes of each cell, with a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scclamp._errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

STEEPEST = 1000.0
"""Most bins per mean width of a bin that a gradient may tell: two genes that are equal but for rounding say nothing."""


def quantile_bins(x: Tensor, n_bins: int = 51, *, temperature: float = 0.0) -> Tensor:
    """Replace the positive values of each cell by the bins of their quantiles, 1 to `n_bins` - 1; others become 0.

    There are `n_bins` - 1 edges, quantiles of the positive values of the cell from the least to the largest, and the bin of a
    value is the number of edges that do not exceed it. Values that are equal share the upper bin, where others draw lots.

    Parameters
    ----------
    x
        Expression (..., genes) in any monotone space.
    n_bins
        Number of bins, that of zero included.
    temperature
        At 0 the bins are exact. Their gradient is the slope of the line between the edges on both sides of a value, with the
        edges held still: how many bins a value passes when it moves alone. Above 0 each edge is a sigmoid, as wide as
        `temperature` mean widths of a bin, and the gradient is that of what is returned.

    Returns
    -------
    Bins (..., genes).

    Examples
    --------
    >>> quantile_bins(torch.tensor([0.0, 1.0, 2.0, 5.0]), 4)
    tensor([0., 1., 2., 3.])
    """
    require_binnable(n_bins, temperature)
    positive = x > 0
    edges = quantile_edges(x, n_bins - 1)
    if temperature > 0:
        return torch.where(positive, _soft(x, edges, temperature), 0.0)
    edges = edges.detach()
    bins = torch.searchsorted(edges.contiguous(), x.detach().contiguous(), right=True)
    line = _slope(x.detach(), edges, bins) * x
    return torch.where(positive, bins.to(x.dtype) + (line - line.detach()), 0.0)


def require_binnable(n_bins: int, temperature: float) -> None:
    """Refuse settings that no bins can have."""
    if n_bins < 3:
        raise InputError(f"n_bins={n_bins!r} must be at least 3: one for zero and two for the rest.")
    if not 0 <= temperature < float("inf"):
        raise InputError(f"temperature={temperature!r} must be a number that is not negative. Use 0 for exact bins.")


def quantile_edges(x: Tensor, n_edges: int) -> Tensor:
    """Evenly spaced quantiles (..., n_edges) of the positive values of each cell, as numpy interpolates them; 1 where there are none."""
    positive = x > 0
    ordered = torch.where(positive, x, torch.inf).sort(-1).values
    last = (positive.sum(-1, keepdim=True) - 1).clamp(min=0)
    # Whole numbers, so that an edge that falls on a value equals it to the last bit.
    steps = torch.arange(n_edges, device=x.device) * last
    low = steps // (n_edges - 1)
    share = (steps % (n_edges - 1)).to(x.dtype) / (n_edges - 1)
    below, above = ordered.gather(-1, low), ordered.gather(-1, torch.minimum(low + 1, last))
    below, above = (torch.where(below.isfinite(), side, 1.0) for side in (below, above))
    return below + (above - below) * share


def _mean_width(edges: Tensor) -> Tensor:
    return (edges[..., -1:] - edges[..., :1]) / (edges.shape[-1] - 1)


def _soft(x: Tensor, edges: Tensor, temperature: float) -> Tensor:
    """Sum of sigmoids; the upper bin where all positive values of a cell are equal and there is no width."""
    width = _mean_width(edges)
    flat = width <= 0
    total = torch.zeros_like(x)
    for edge in edges.unbind(-1):
        total = total + ((x - edge[..., None]) / (temperature * torch.where(flat, 1.0, width))).sigmoid()
    return torch.where(flat, float(edges.shape[-1]), total)


def _slope(x: Tensor, edges: Tensor, bins: Tensor) -> Tensor:
    """Bins per unit between the edge at or below a value and the next one; at the top, from the last one that differs."""
    top = bins >= edges.shape[-1]
    last = edges[..., -1:]
    before = (edges < last).sum(-1, keepdim=True)
    upper = torch.where(top, edges.shape[-1] - 1, bins.clamp(min=1, max=edges.shape[-1] - 1))
    lower = torch.where(top, (before - 1).clamp(min=0), upper - 1)
    width = edges.gather(-1, upper) - edges.gather(-1, lower)
    least = _mean_width(edges) / STEEPEST
    return torch.where(
        last > edges[..., :1], (upper - lower) / width.clamp(min=torch.finfo(x.dtype).tiny).maximum(least), 0.0
    )
