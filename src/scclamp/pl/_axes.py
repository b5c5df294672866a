"""What every plot shares: an axes to draw on, and scanpy's convention for showing and returning."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"observed": "#D55E00", "predicted": "#0072B2", "reference": "#7F7F7F"}
"""Okabe and Ito's colours: told apart by every kind of colour vision."""
CEILING = "#009E73"
DIVERGING = "RdBu_r"
_NAME = 0.12
"""Inches that a name of 7 points takes when it stands upright."""


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes given, or those of a new figure."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    _, made = plt.subplots(figsize=size, layout="constrained")
    return made


def names_below(ax: Axes | None, most: int) -> int:
    """How many upright names fit side by side below an axes: on a figure of our own, as many as it was made for."""
    if ax is None:
        return most
    return int(ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted()).width / _NAME)


def finish(ax: Axes, *, show: bool | None, return_fig: bool) -> Axes | Figure | None:
    """Show when asked to; return the figure, or the axes unless they were shown."""
    if show:
        from matplotlib import pyplot as plt

        plt.show()
    if return_fig:
        return ax.get_figure(root=True)
    return None if show else ax
