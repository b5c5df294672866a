"""The lines of a network: curves from regulators to targets that end before what they point at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.pl._network_layout import RADIUS

if TYPE_CHECKING:
    from scclamp.pl._network_graph import Graph
    from scclamp.pl._network_layout import Layout

HEAD = 5.0
"""Length of an arrow head, and of the bar that ends a repression."""
_CLEAR = 1.2
"""Between the end of an edge and its target."""
_BENDS = (0.0, 0.15, -0.15, 0.3, -0.3, 0.45, -0.45)
"""How far a curve is moved aside, in shares of its length, where another regulator is in its way."""
_SAMPLES = np.linspace(0, 1, 241)[:, None]


def curves(graph: Graph, layout: Layout) -> list[np.ndarray]:
    """Return points along each edge, from the box of its regulator to the rim of its target."""
    n_hubs = len(graph.hubs)
    found = []
    for source, target in zip(graph.source, graph.target, strict=True):
        start, others = layout.hubs[source], np.setdiff1d(np.arange(n_hubs), [source, target])
        end = layout.hubs[target] if target < n_hubs else layout.leaves[target - n_hubs]
        shape = _feedback if target < n_hubs else _outwards
        path = _free(start, *shape(start, end, layout), end, layout, others)
        if target < n_hubs:
            path = path[~_in_box(path, end, layout.boxes[target] + 2 * _CLEAR)]
        else:
            path = path[np.linalg.norm(path - end, axis=1) > RADIUS + _CLEAR]
        found.append(path[~_in_box(path, start, layout.boxes[source])])
    return found


def heads(paths: list[np.ndarray], activates: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return lines cut back to their heads, and the heads: triangles of activations, bars of repressions."""
    lines, ends = [], []
    for path, up in zip(paths, activates, strict=True):
        tip = path[-1]
        back = path[np.linalg.norm(path - tip, axis=1) >= HEAD]
        from_ = back[-1] if len(back) else path[0]
        along = (tip - from_) / max(float(np.linalg.norm(tip - from_)), 1e-9)
        across = np.array([-along[1], along[0]])
        if up:
            foot = tip - HEAD * along
            ends.append(np.stack([tip, foot + 0.45 * HEAD * across, foot - 0.45 * HEAD * across]))
            lines.append(np.vstack([back, foot]) if len(back) else path)
        else:
            ends.append(np.stack([tip + 0.6 * HEAD * across, tip - 0.6 * HEAD * across]))
            lines.append(path)
    return lines, ends


def _outwards(start: np.ndarray, leaf: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Control points of an edge to a leaf, which arrives about in the direction of the leaf's label."""
    if not layout.ring:
        across = np.array([leaf[0] - start[0], 0.0])
        return start + 0.45 * across, leaf - 0.5 * across
    straight, length, radius = leaf - start, float(np.linalg.norm(leaf)), float(np.linalg.norm(start))
    turn, step = np.arccos(np.clip(start @ leaf / (radius * length), -1, 1)), 2 * np.pi / len(layout.hubs)
    # A leaf beyond the next regulator is reached through the empty middle.
    far = float(np.clip(turn / step - 1, 0, 1))
    pull = far * (0.25 + 0.5 * min(1.0, turn / (np.pi / 2)))
    inwards = -leaf / length - 0.7 * (1 - far) * straight / np.linalg.norm(straight)
    first = start + (1 - far) * 0.3 * straight - pull * start
    return first, leaf + (0.35 + 1.2 * pull) * (length - radius) * inwards


def _feedback(start: np.ndarray, end: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Control points of an edge between regulators; there and back bend to different sides."""
    straight = end - start
    length = float(np.linalg.norm(straight))
    across = np.array([straight[1], -straight[0]])
    if layout.ring:
        bend, pull = 0.12 * across, 1 - 0.6 * min(1.0, length / (1.5 * np.linalg.norm(start)))
        return pull * start + bend, pull * end + bend
    bend = across / length * (layout.boxes[:, 0].max() * 0.75 + 0.15 * length)
    return start + bend, end + bend


def _free(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, layout: Layout, others: np.ndarray) -> np.ndarray:
    """Curve that runs behind the fewest other regulators, moved aside no more than that takes."""
    across = np.array([d[1] - a[1], a[0] - d[0]])

    def hidden(path: np.ndarray) -> int:
        return sum(int(_in_box(path, layout.hubs[i], layout.boxes[i]).any()) for i in others)

    return min((_bezier(a, b + by * across, c + by * across, d) for by in _BENDS), key=hidden)


def _bezier(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    t = _SAMPLES
    return (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d


def _in_box(points: np.ndarray, centre: np.ndarray, box: np.ndarray) -> np.ndarray:
    return (np.abs(points - centre) < box / 2).all(1)
