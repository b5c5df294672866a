"""Nothing on top of anything: places of nodes and labels, measured as rectangles."""

import itertools

import numpy as np
import pandas as pd
import pytest

from scclamp.pl._network_graph import choose
from scclamp.pl._network_layout import FONT, MOST_COLUMNS, PITCH, RADIUS, arrange, hub_order
from scclamp.pl._text import text_width

CASES = [(1, 15, 0.0), (2, 15, 0.2), (4, 15, 0.3), (5, 1, 0.0), (5, 12, 0.5), (12, 12, 0.2), (24, 5, 0.3)]


def make(n_hubs, n_targets, shared, seed=0):
    """A network whose regulators share some of their targets with all others."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n_hubs):
        for j in range(n_targets):
            common = rng.random() < shared
            name = f"SHARED{rng.integers(n_targets)}" if common else f"GENE{i}.{j}"
            rows.append((f"REGULATOR{i}", name, float(rng.normal())))
    edges = pd.DataFrame(rows, columns=["regulator", "target", "weight"]).drop_duplicates(["regulator", "target"])
    return choose(edges, list(edges["regulator"].unique()), 10_000, None)


def rectangles(graph, layout):
    """Corners of all boxes, dots and labels."""
    found = [_rectangle(at, np.array([1.0, 0.0]), *box) for at, box in zip(layout.hubs, layout.boxes, strict=True)]
    for name, leaf, anchor, along in zip(graph.leaves, layout.leaves, layout.anchors, layout.outward, strict=True):
        width = text_width(name, FONT)
        found.append(_rectangle(leaf, along, 2 * RADIUS, 2 * RADIUS))
        found.append(_rectangle(anchor + width / 2 * along, along, width, FONT))
    return np.array(found)


def _rectangle(centre, along, width, height):
    across = np.array([-along[1], along[0]])
    return [centre + a * width / 2 * along + b * height / 2 * across for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]


def _overlap(one, other):
    """Whether two convex polygons meet: no side of either separates them."""
    for polygon in (one, other):
        side = np.roll(polygon, 1, axis=0) - polygon
        normals = np.stack([side[:, 1], -side[:, 0]], 1)
        a, b = one @ normals.T, other @ normals.T
        if ((a.max(0) <= b.min(0) + 1e-9) | (b.max(0) <= a.min(0) + 1e-9)).any():
            return False
    return True


def test_the_measure_sees_an_overlap():
    along = np.array([np.cos(1.0), np.sin(1.0)])
    a, b = np.array(_rectangle(np.zeros(2), along, 4, 2)), np.array(_rectangle(np.array([0.0, 2.5]), along, 4, 2))
    assert _overlap(a, b)
    assert not _overlap(a, b + np.array([0.0, 2.5]))


@pytest.mark.parametrize(("n_hubs", "n_targets", "shared"), CASES)
def test_no_node_or_label_meets_another(n_hubs, n_targets, shared):
    graph = make(n_hubs, n_targets, shared)
    layout = arrange(graph)
    found = rectangles(graph, layout)
    assert layout.ring == (n_hubs > MOST_COLUMNS)
    centres, reach = found.mean(1), np.linalg.norm(found[:, 0] - found[:, 2], axis=1) / 2
    near = np.linalg.norm(centres[:, None] - centres, axis=2) < reach[:, None] + reach
    assert not [(i, j) for i, j in np.argwhere(np.triu(near, 1)) if _overlap(found[i], found[j])]
    assert (np.abs(found).max((0, 1)) <= layout.size).all()


@pytest.mark.parametrize("n_hubs", [2, 9])
def test_the_same_network_has_the_same_places(n_hubs):
    one, two = (arrange(make(n_hubs, 8, 0.3)) for _ in range(2))
    np.testing.assert_array_equal(one.leaves, two.leaves)
    np.testing.assert_array_equal(one.hubs, two.hubs)


def crossings(source, target):
    """Crossings of straight edges between two columns, by the ranks of their ends."""
    pairs = itertools.combinations(range(len(source)), 2)
    return sum((source[i] - source[j]) * (target[i] - target[j]) < 0 for i, j in pairs)


@pytest.mark.parametrize("seed", range(3))
def test_columns_cross_less_than_any_order_drawn_by_chance(seed):
    graph = make(3, 12, 0.4, seed)
    layout = arrange(graph)
    source, leaf = layout.hubs[graph.source, 1], graph.target - len(graph.hubs)
    rng = np.random.default_rng(0)
    left = layout.leaves[leaf, 0] < 0

    def both(heights):
        return sum(crossings(source[side], heights[leaf][side]) for side in (left, ~left))

    height = layout.leaves[:, 1]
    assert both(height) < min(both(rng.permutation(height)) for _ in range(20)) / 2


def test_leaves_on_the_ring_stand_before_a_regulator_of_theirs():
    graph = make(8, 9, 0.15)
    layout = arrange(graph)
    angle = np.arctan2(layout.leaves[:, 1], layout.leaves[:, 0])
    hub_angle = np.arctan2(layout.hubs[:, 1], layout.hubs[:, 0])
    nearest = np.abs(np.angle(np.exp(1j * (angle[:, None] - hub_angle)))).argmin(1)
    strongest = np.abs(graph.weights).argmax(0)
    assert (nearest == strongest).mean() > 0.9
    gap = np.diff(np.sort(angle)) * np.linalg.norm(layout.leaves, axis=1).mean()
    assert gap.min() >= PITCH - 1e-6


def test_regulators_that_share_targets_are_neighbours():
    weights = np.zeros((4, 12))
    for hub, start in enumerate((0, 6, 2, 8)):
        weights[hub, start : start + 4] = 1.0
    order = hub_order(weights).tolist()
    assert abs(order.index(0) - order.index(2)) == 1
    assert abs(order.index(1) - order.index(3)) == 1
    assert hub_order(weights[:2]).tolist() == [0, 1]


def test_a_regulator_with_no_target_of_its_own_has_a_place():
    edges = pd.DataFrame(
        [(f"R{i}", f"R{(i + 1) % 5}", 1.0) for i in range(5)], columns=["regulator", "target", "weight"]
    )
    for n in (2, 5):
        named = [f"R{i}" for i in range(n)]
        layout = arrange(choose(edges[edges["regulator"].isin(named)], named, 100, None))
        assert np.isfinite(layout.hubs).all()
        assert len(np.unique(layout.hubs.round(3), axis=0)) == n
