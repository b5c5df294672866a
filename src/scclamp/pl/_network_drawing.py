"""Ink for a network: edges, nodes, names, and a legend of what they mean."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp.pl._network_edges import curves, heads
from scclamp.pl._network_layout import FONT, HUB_FONT, RADIUS
from scclamp.pl._network_legend import DASHES, DOWN, INK, LEGEND_SIZE, UP, legend, widths

if TYPE_CHECKING:
    from collections.abc import Collection

    from matplotlib.axes import Axes

    from scclamp.pl._network_graph import Graph
    from scclamp.pl._network_layout import Layout


def draw(ax: Axes, graph: Graph, layout: Layout, *, latent: Collection[str], reference: str | None) -> None:
    """Draw a network on axes whose unit becomes a point, if they are as large as `extent`."""
    _edges(ax, curves(graph, layout), graph.edges["weight"].to_numpy() > 0, widths(graph))
    _leaves(ax, graph, layout)
    _hubs(ax, graph, layout, latent)
    width, height = extent(layout)
    ax.set(xlim=(-layout.size[0], width - layout.size[0]), ylim=(-height / 2, height / 2), aspect="equal")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_xlabel(textwrap.fill(graph.note, int(width / (0.52 * FONT))), fontsize=FONT, loc="left")
    legend(ax, graph, any(name in latent for name in graph.hubs), reference)


def extent(layout: Layout) -> tuple[float, float]:
    """Width and height of a network and its legend in points."""
    return 2 * layout.size[0] + LEGEND_SIZE[0], max(2 * layout.size[1], LEGEND_SIZE[1])


def _edges(ax: Axes, paths: list[np.ndarray], up: np.ndarray, width: np.ndarray) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    lines, ends = heads(paths, up)
    for sign, colour, style, name in ((True, UP, "-", "activation"), (False, DOWN, DASHES, "repression")):
        at = np.flatnonzero(up == sign)
        shafts = LineCollection(
            [lines[i] for i in at], colors=colour, linewidths=width[at], linestyles=[style], alpha=0.8
        )
        shafts.set(zorder=1, label=name, capstyle="butt")
        ax.add_collection(shafts)
        if sign:
            tips: Any = PolyCollection([ends[i] for i in at], facecolors=colour, linewidths=0)
        else:
            tips = LineCollection([ends[i] for i in at], colors=colour, linewidths=np.maximum(width[at], 1.1))
        tips.set_zorder(2)
        ax.add_collection(tips)


def _leaves(ax: Axes, graph: Graph, layout: Layout) -> None:
    from matplotlib.collections import EllipseCollection

    known = graph.known_leaves
    size = np.full(len(known), 2 * RADIUS)
    dots = EllipseCollection(
        size,
        size,
        np.zeros(len(known)),
        units="xy",
        offsets=layout.leaves,
        offset_transform=ax.transData,
        facecolors=np.where(known, INK, "white").tolist(),
        edgecolors=INK,
        linewidths=0.8,
        zorder=3,
        label="targets",
    )
    ax.add_collection(dots)
    for name, (x, y), (right, up) in zip(graph.leaves, layout.anchors, layout.outward, strict=True):
        flip = right < -1e-9
        angle = np.degrees(np.arctan2(-up, -right) if flip else np.arctan2(up, right))
        style: dict[str, Any] = {"ha": "right" if flip else "left", "va": "center", "rotation_mode": "anchor"}
        ax.text(x, y, name, rotation=angle, fontsize=FONT, color="black", zorder=4, **style)


def _hubs(ax: Axes, graph: Graph, layout: Layout, latent: Collection[str]) -> None:
    from matplotlib.patches import FancyBboxPatch

    style: dict[str, Any] = {"ha": "center", "va": "center_baseline", "weight": "bold", "fontsize": HUB_FONT}
    for name, centre, box in zip(graph.hubs, layout.hubs, layout.boxes, strict=True):
        unseen = name in latent
        corner, (width, height) = centre - box / 2, box
        patch = FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=4", lw=0.9, edgecolor=INK)
        patch.set(facecolor="white" if unseen else INK, zorder=3, label=name)
        ax.add_patch(patch)
        ax.text(centre[0], centre[1], name, color="black" if unseen else "white", zorder=4, **style)
