"""Lines begin and end where their nodes do."""

import numpy as np
import pandas as pd
import pytest

from scclamp.pl._network_edges import HEAD, curves, heads
from scclamp.pl._network_graph import choose
from scclamp.pl._network_layout import RADIUS, arrange


def make(n_hubs):
    rows = [(f"R{i}", f"T{i}.{j}", (-1.0) ** j) for i in range(n_hubs) for j in range(6)]
    rows += [(f"R{i}", f"R{(i + k) % n_hubs}", 0.5) for i in range(n_hubs) for k in (1, n_hubs - 1) if n_hubs > k]
    edges = pd.DataFrame(rows, columns=["regulator", "target", "weight"]).drop_duplicates(["regulator", "target"])
    graph = choose(edges, list(edges["regulator"].unique()), 1000, None)
    return graph, arrange(graph)


def _outside(point, centre, box):
    return (np.abs(point - centre) - box / 2).max()


@pytest.mark.parametrize("n_hubs", [2, 4, 5, 12])
def test_edges_run_from_the_box_to_the_rim(n_hubs):
    graph, layout = make(n_hubs)
    for path, source, target in zip(curves(graph, layout), graph.source, graph.target, strict=True):
        assert -0.1 <= _outside(path[0], layout.hubs[source], layout.boxes[source]) < 3
        if target < n_hubs:
            assert 0 < _outside(path[-1], layout.hubs[target], layout.boxes[target]) < 5
        else:
            assert RADIUS < np.linalg.norm(path[-1] - layout.leaves[target - n_hubs]) < RADIUS + 3
        assert (np.linalg.norm(np.diff(path, axis=0), axis=1) < 6).all()


@pytest.mark.parametrize("n_hubs", [3, 7])
def test_edges_there_and_back_keep_apart(n_hubs):
    graph, layout = make(n_hubs)
    paths = curves(graph, layout)
    ends = dict(zip(zip(graph.source, graph.target, strict=True), paths, strict=True))
    there, back = ends[0, 1], ends[1, 0]
    middle = there[len(there) // 2]
    assert np.linalg.norm(back - middle, axis=1).min() > 5


@pytest.mark.parametrize("up", [True, False])
def test_heads_sit_at_the_tip_and_look_along_the_line(up):
    path = np.stack([np.linspace(0, 40, 81), np.zeros(81)], 1)
    (line,), (head,) = heads([path], np.array([up]))
    if up:
        np.testing.assert_allclose(head[0], [40, 0])
        np.testing.assert_allclose(head[1:, 0], 40 - HEAD)
        assert head[1, 1] == -head[2, 1] != 0
        assert line[-1, 0] == pytest.approx(40 - HEAD)
    else:
        np.testing.assert_allclose(head[:, 0], 40)
        assert head[0, 1] == -head[1, 1] != 0
        np.testing.assert_allclose(line, path)


def test_a_line_shorter_than_its_head_still_points():
    path = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    _, (head,) = heads([path], np.array([True]))
    np.testing.assert_allclose(head[0], [0, 2])
    assert head[1:, 1].max() < 2


def test_on_the_ring_no_line_runs_behind_the_next_regulator():
    rows = [(f"R{i}", f"T{i}.{j}", 1.0) for i in range(8) for j in range(6)]
    rows += [("R0", f"T{k}.2", 0.5) for k in range(1, 8)]
    edges = pd.DataFrame(rows, columns=["regulator", "target", "weight"])
    graph = choose(edges, [f"R{i}" for i in range(8)], 1000, None)
    layout = arrange(graph)
    for path, source in zip(curves(graph, layout), graph.source, strict=True):
        for hub in set(range(8)) - {int(source)}:
            assert not (np.abs(path - layout.hubs[hub]) < layout.boxes[hub] / 2).all(1).any()
