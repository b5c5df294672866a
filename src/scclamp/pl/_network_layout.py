"""Where the nodes of a network stand: in columns where regulators are few, else on rings. One unit is a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scclamp.pl._text import SMALL, apart, text_width

if TYPE_CHECKING:
    from scclamp.pl._network_graph import Graph

FONT, HUB_FONT = SMALL, 8.0
RADIUS = 2.6
"""Of a leaf's dot."""
PITCH = 10.5
"""From one label to the next; letters of 7 points with their descenders need 9."""
MOST_COLUMNS = 4
"""Regulators for which leaves stand in two columns."""
_GAP = 3.5
"""Between a dot and its label."""
_LEAST_SHARE = 0.7
"""Of the mean number of leaves: room on the ring for a regulator that has fewer."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Places of all nodes.

    Parameters
    ----------
    hubs
        Centres of the regulators' boxes (hubs, 2).
    boxes
        Their width and height (hubs, 2).
    leaves
        Centres of the targets' dots (leaves, 2).
    outward
        Unit vectors along which the targets' labels run (leaves, 2).
    size
        Half the width and height of the whole, labels included.
    ring
        Whether leaves stand on a ring.
    """

    hubs: np.ndarray
    boxes: np.ndarray
    leaves: np.ndarray
    outward: np.ndarray
    size: tuple[float, float]
    ring: bool

    @property
    def anchors(self) -> np.ndarray:
        """Where labels begin."""
        return self.leaves + (RADIUS + _GAP) * self.outward


def arrange(graph: Graph) -> Layout:
    """Place the nodes so that few edges cross and no label meets another."""
    weights = graph.weights
    order = hub_order(weights)
    boxes = np.array([(text_width(name, HUB_FONT, bold=True) + 10, HUB_FONT + 7) for name in graph.hubs])
    widths = np.array([text_width(name, FONT) for name in graph.leaves])
    place = _columns if len(graph.hubs) <= MOST_COLUMNS else _ring
    hubs, leaves, outward = place(weights, order, boxes)
    ends = leaves + (RADIUS + _GAP + widths[:, None]) * outward if len(leaves) else np.zeros((0, 2))
    corners = np.concatenate([np.abs(ends) + PITCH / 2, np.abs(hubs) + boxes / 2])
    return Layout(hubs, boxes, leaves, outward, tuple(corners.max(0) + 2), place is _ring)


def hub_order(weights: np.ndarray) -> np.ndarray:
    """Order regulators such that those that share targets are neighbours."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering

    if len(weights) < 3:
        return np.arange(len(weights))
    strength = np.abs(weights)
    unit = strength / np.maximum(np.linalg.norm(strength, axis=1, keepdims=True), 1e-12)
    return leaves_list(optimal_leaf_ordering(linkage(unit, "average"), unit))


def _columns(weights: np.ndarray, order: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Regulators in the middle, leaves left and right by the barycentre of their regulators."""
    n_hubs, n_leaves = weights.shape
    rank = np.argsort(order)
    linked = weights != 0
    centre = (linked * rank[:, None]).sum(0) / np.maximum(linked.sum(0), 1)
    pattern = (linked * 2.0 ** rank[:, None]).sum(0)
    down = np.lexsort((-weights.sum(0), pattern, centre))
    n_rows = -(-n_leaves // 2)
    row = np.empty(n_leaves)
    row[down] = np.arange(n_leaves) // 2
    y = PITCH * ((n_rows - 1) / 2 - row)
    side = np.empty(n_leaves)
    side[down] = np.where(np.arange(n_leaves) % 2, 1.0, -1.0)
    far = float(np.clip(0.45 * PITCH * n_rows, 80, 150))
    wanted = np.array([y[linked[h]].mean() if linked[h].any() else 0.0 for h in order])
    hubs = np.zeros((n_hubs, 2))
    hubs[order, 1] = apart(wanted, 2.2 * boxes[:, 1].max())
    return hubs, np.stack([far * side, y], 1), np.stack([side, np.zeros(n_leaves)], 1)


def _ring(weights: np.ndarray, order: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each regulator before the sector of its leaves, on an inner ring."""
    sectors = _sectors(weights, order)
    least = max(2, round(_LEAST_SHARE * weights.shape[1] / len(weights)))
    slots = [max(len(sector), least) + 1 for sector in sectors]
    turn = 2 * np.pi / sum(slots)
    hub_angle, leaf_angle = np.empty(len(weights)), np.empty(weights.shape[1])
    start = 0
    for hub, sector, n in zip(order, sectors, slots, strict=True):
        hub_angle[hub] = (start + n / 2) * turn
        leaf_angle[sector] = (start + n * (np.arange(len(sector)) + 0.5) / max(len(sector), 1)) * turn
        start += n
    # Clockwise from the top.
    hub_at, leaf_at = (np.stack([np.sin(a), np.cos(a)], 1) for a in (hub_angle, leaf_angle))
    inner = max(_inner_radius(hub_at, boxes), 10 * np.sqrt((weights != 0).sum()))
    outer = max(PITCH / turn, inner + 60)
    inner = max(inner, 0.5 * outer)
    return inner * hub_at, outer * leaf_at, leaf_at


def _sectors(weights: np.ndarray, order: np.ndarray) -> list[np.ndarray]:
    """Leaves of each regulator in order: those it shares with the one before, its own, those shared with the one after."""
    n = len(order)
    rank = np.argsort(order)
    owner = np.abs(weights).argmax(0)
    away = (rank[:, None] - rank[owner][None] + n // 2) % n - n // 2
    linked = weights != 0
    pull = (linked * away).sum(0)
    sorted_ = np.lexsort((-weights.sum(0), pull))
    return [sorted_[owner[sorted_] == hub] for hub in order]


def _inner_radius(at: np.ndarray, boxes: np.ndarray) -> float:
    """Least radius at which no two boxes meet."""
    first, second = np.triu_indices(len(at), 1)
    room = (boxes[first] + boxes[second]) / 2 + 4
    apart = np.abs(at[first] - at[second])
    # Two boxes are free of each other once they are in either direction.
    needed = (room / np.maximum(apart, 1e-9)).min(1)
    return float(max(needed.max(initial=0), 30))
