"""What the ink of a network means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp.pl._axes import COLOURS
from scclamp.pl._network_layout import FONT

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from scclamp.pl._network_graph import Graph

LEGEND_SIZE = (132.0, 150.0)
"""Width and height in points that the legend may take."""
UP, DOWN = COLOURS["observed"], COLOURS["predicted"]
INK = "0.2"
DASHES = (0, (3.5, 1.5))
_LIMITS = (2.0, 5.0)
_CONFIDENCE = {0.5: "below 2", 1.0: "2 to 5", 1.7: "above 5"}
"""Width of edges by their weight in units of its spread over members."""


def widths(graph: Graph) -> np.ndarray:
    """Width of each edge: its confidence in an ensemble, else its weight."""
    strength = graph.edges["weight"].abs().to_numpy()
    if "sd" not in graph.edges:
        return _by_weight(strength, strength.max())
    spread = graph.edges["sd"].to_numpy()
    return np.array(list(_CONFIDENCE))[np.sum([strength >= limit * spread for limit in _LIMITS], axis=0)]


def legend(ax: Axes, graph: Graph, latent: bool, reference: str | None) -> None:
    """Explain lines and nodes, in the upper right corner."""
    up, down = _line("activation", color=UP), _line("repression", color=DOWN, linestyle=DASHES)
    entries = [up, down, *(_line(label, linewidth=width) for width, label in _width_labels(graph))]
    if reference is not None:
        n, known = len(graph.edges), int(graph.edges["known"].sum())
        entries += [
            _node(f"target known in\n{reference}\n({known} of {n} edges)", INK),
            _node("other target", "white"),
        ]
    if latent:
        text = "not measured" if "effect" in graph.edges else "not measured: edges are\nresponses to its\nperturbation"
        entries += [_node(text, "white", "s", 7.0)]
    ax.legend(
        handles=entries,
        handler_map={up: _ended(">"), down: _ended("|")},
        loc="upper right",
        frameon=False,
        fontsize=FONT,
        borderaxespad=0.2,
    )


def _by_weight(strength: np.ndarray, most: float) -> np.ndarray:
    return 0.4 + 1.4 * strength / most


def _width_labels(graph: Graph) -> list[tuple[float, str]]:
    """Widths that were drawn, the widest first, and what they mean."""
    what = "effect" if "effect" in graph.edges else "weight"
    if "sd" not in graph.edges:
        strength = graph.edges["weight"].abs().to_numpy()
        ends = {f"{what} {value:.2g}": value for value in (strength.max(), strength.min())}
        return [(float(_by_weight(value, strength.max())), label) for label, value in ends.items()]
    drawn = set(widths(graph).tolist())
    return [(w, f"{what} {text}\ntimes its spread") for w, text in reversed(_CONFIDENCE.items()) if w in drawn]


def _line(label: str, **style: Any) -> Any:
    from matplotlib.lines import Line2D

    chosen: dict[str, Any] = {"color": "0.35", "linewidth": 1.2} | style
    return Line2D([], [], label=label, **chosen)


def _node(label: str, fill: str, marker: str = "o", size: float = 5.0) -> Any:
    return _line(label, linewidth=0, marker=marker, markersize=size, mfc=fill, mec=INK, mew=0.8)


def _ended(marker: str) -> Any:
    """Handler of a legend that ends a line as edges do."""
    from matplotlib.legend_handler import HandlerLine2D
    from matplotlib.lines import Line2D

    class Ended(HandlerLine2D):
        def create_artists(self, legend: Any, orig_handle: Any, *box: Any) -> list[Artist]:
            x, y, width, height, _, transform = box
            tip = Line2D([width - x], [(height - y) / 2], marker=marker, ms=5, color=orig_handle.get_color())
            tip.set(markeredgewidth=0 if marker == ">" else 1.3, transform=transform)
            return [*super().create_artists(legend, orig_handle, *box), tip]

    return Ended()
