"""What is drawn of a table of edges, chosen once more by hand."""

import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp.datasets import ReferenceNetwork
from scclamp.pl._network_graph import MOST_CHOSEN, MOST_HUBS, choose, read_reference


def _edges(n_regulators, n_targets=4, seed=0):
    rng = np.random.default_rng(seed)
    rows = [(f"R{i:02d}", f"T{j}", rng.normal()) for i in range(n_regulators) for j in range(n_targets)]
    return pd.DataFrame(rows, columns=["regulator", "target", "weight"])


def test_the_strongest_edges_are_drawn():
    edges = _edges(3)
    graph = choose(edges, ["R00", "R01", "R02"], 5, None)
    expected = edges.reindex(edges["weight"].abs().sort_values(ascending=False).index)[:5]
    pd.testing.assert_frame_equal(graph.edges[["regulator", "target", "weight"]], expected.reset_index(drop=True))
    names = np.array([*graph.hubs, *graph.leaves])
    assert list(names[graph.source]) == list(expected["regulator"])
    assert list(names[graph.target]) == list(expected["target"])
    assert graph.note == "The strongest only: 5 of 12 edges, 3 of 3 regulators."


def test_nothing_is_left_out_of_a_small_network():
    edges = _edges(2)
    edges.loc[len(edges)] = ["R00", "R01", 0.0]
    graph = choose(edges, ["R00", "R01"], 100, None)
    assert (len(graph.edges), graph.note) == (8, "")
    assert set(graph.edges["weight"]) == set(edges["weight"]) - {0.0}


@pytest.mark.parametrize(("named", "most"), [(False, MOST_CHOSEN), (True, MOST_HUBS)])
def test_of_many_regulators_those_with_the_strongest_edges_are_drawn(named, most):
    edges = _edges(200)
    graph = choose(edges, list(edges["regulator"].unique()) if named else None, 10_000, None)
    best = edges.groupby("regulator")["weight"].agg(lambda w: w.abs().max()).nlargest(most)
    assert set(graph.hubs) == set(best.index)
    assert len(graph.edges) == 4 * most
    assert graph.note == f"The strongest only: {4 * most} of 800 edges, {most} of 200 regulators."


def test_regulators_that_are_targets_are_no_leaves():
    edges = pd.DataFrame(
        [("A", "B", 1.0), ("B", "A", -2.0), ("A", "x", 0.5)], columns=["regulator", "target", "weight"]
    )
    graph = choose(edges, ["A", "B"], 10, pd.MultiIndex.from_tuples([("A", "x"), ("B", "A")]))
    assert (graph.hubs, graph.leaves) == (("B", "A"), ("x",))
    assert graph.to_leaf.tolist() == [False, False, True]
    assert graph.edges["known"].tolist() == [True, False, True]
    assert graph.known_leaves.tolist() == [True]
    assert graph.weights.tolist() == [[0.0], [0.5]]


def test_a_leaf_is_known_by_the_edge_that_is_drawn():
    edges = pd.DataFrame([("A", "x", 1.0), ("B", "y", 1.0)], columns=["regulator", "target", "weight"])
    graph = choose(edges, None, 10, pd.MultiIndex.from_tuples([("B", "x"), ("B", "y")]))
    assert dict(zip(graph.leaves, graph.known_leaves.tolist(), strict=True)) == {"x": False, "y": True}


def test_a_network_of_zeros_is_refused():
    with pytest.raises(InputError, match="no regulator has an edge"):
        choose(_edges(2).assign(weight=0.0), None, 10, None)


def test_references_of_every_kind_are_read():
    table = pd.DataFrame({"source": ["F", "F"], "target": ["x", "x"], "weight": [1, -1]})
    name, known = read_reference(table, ["x", "y"])
    assert (name, known.tolist()) == ("the reference", [("F", "x")])
    table.attrs["name"] = "trrust"
    assert read_reference(table, ["x"])[0] == "trrust"
    beeline = ReferenceNetwork("hESC", "STRING", "human", table, ("F",), None, {})
    assert read_reference(beeline, ["x"])[0] == "STRING (hESC)"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ([("F", "x")], "reference is a list"),
        (pd.DataFrame({"source": ["F"]}), "no column 'target' but 'source'"),
        (pd.DataFrame({"source": ["F"], "target": ["X"]}), "none of its targets, such as 'X', is a gene of adata"),
        ("trust", "Did you mean 'trrust'"),
    ],
)
def test_other_references_are_refused(reference, message):
    with pytest.raises(InputError, match=message):
        read_reference(reference, ["x", "y"])
