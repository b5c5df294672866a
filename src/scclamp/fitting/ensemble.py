"""What an ensemble says with one voice: its estimate, and the spread of its members around it.

The mean of a resample of cells has twice the sampling variance of the mean of the cells: the data's own and that of the
resampling. Members that are fitted to resamples are therefore noisier, and more strongly shrunken, than a fit to the cells
themselves, and so is the mean over them. Where members see resamples, the first sees the cells as they are and is the
estimate; the others say how far it may be off.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

Point = Literal["mean", "first"]
"""The estimate of an ensemble: the mean over members, or the first of them, around which the others are resamples."""


def estimate(members: Tensor, point: Point) -> Tensor:
    """Estimate of an ensemble.

    Parameters
    ----------
    members
        Values with the members first.
    point
        Which of them, or what of them, is the estimate.

    Examples
    --------
    >>> import torch
    >>> members = torch.tensor([1.0, 2.0, 6.0])
    >>> float(estimate(members, "first")), float(estimate(members, "mean"))
    (1.0, 3.0)
    """
    return members[0] if point == "first" or len(members) == 1 else members.mean(0)


def spread(members: Tensor, point: Point) -> Tensor | None:
    """Spread of the members around the estimate; None of a single one.

    Around the mean it is their standard deviation, around the first member the root mean square of what the others deviate.

    Parameters
    ----------
    members
        Values with the members first.
    point
        The estimate.

    Examples
    --------
    >>> import torch
    >>> members = torch.tensor([1.0, 4.0, 5.0])
    >>> round(float(spread(members, "first")), 3), round(float(spread(members, "mean")), 3)
    (3.536, 2.082)
    """
    if len(members) == 1:
        return None
    return members.std(0) if point == "mean" else (members[1:] - members[0]).square().mean(0).sqrt()
