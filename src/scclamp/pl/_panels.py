"""One axes cut into panels, so that a picture of several parts is drawn on any axes that a user gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


def side_by_side(ax: Axes, widths: Sequence[float], *, gap: float) -> list[Axes]:
    """Cut an axes into columns; what it would draw itself, but for its title, is hidden.

    Parameters
    ----------
    ax
        Becomes the frame around the panels.
    widths
        Of the panels, in any unit.
    gap
        Between two of them, in that unit.
    """
    return [ax.inset_axes((start, 0, width, 1)) for start, width in _cut(ax, widths, gap)]


def stacked(ax: Axes, heights: Sequence[float], *, gap: float) -> list[Axes]:
    """Cut an axes into rows, the first one on top; see `side_by_side`."""
    return [ax.inset_axes((0, 1 - start - height, 1, height)) for start, height in _cut(ax, heights, gap)]


def _cut(ax: Axes, sizes: Sequence[float], gap: float) -> list[tuple[float, float]]:
    """Start and length of each part, as fractions of the whole."""
    ax.set_axis_off()
    starts = np.cumsum([0.0, *(size + gap for size in sizes)])
    whole = starts[-1] - gap
    return [(float(start / whole), float(size / whole)) for start, size in zip(starts, sizes, strict=False)]
