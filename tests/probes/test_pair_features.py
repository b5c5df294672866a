"""Grids of probes as tables of pairs."""

import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp.probes import PairFeatures

SOURCES, TARGETS = ["A", "B"], ["A", "B", "C", "D"]
GRID = np.arange(24.0).reshape(2, 4, 3)
PAIRS = [(a, b) for a in SOURCES for b in TARGETS if a != b]
NETWORK = pd.DataFrame({"source": ["A", "B", "D"], "target": ["C", "A", "A"]})


@pytest.fixture
def pairs():
    return PairFeatures.of(SOURCES, TARGETS, {"gradient": GRID, "silencing": GRID[..., 0]}, {"gradient": GRID.sum(-1)})


def names(pairs):
    return list(zip(pairs.sources, pairs.targets, strict=True))


def test_every_pair_of_two_genes_keeps_its_features(pairs):
    assert names(pairs) == PAIRS
    assert len(pairs) == 6
    for k, (a, b) in enumerate(PAIRS):
        at = SOURCES.index(a), TARGETS.index(b)
        np.testing.assert_array_equal(pairs.features["gradient"][k], GRID[at])
        np.testing.assert_array_equal(pairs.features["silencing"][k], GRID[at][:1])
        assert pairs.scores["gradient", "origin"][k] == GRID[at].sum()


def test_pairs_of_factors_and_genes_of_the_network_are_labelled(pairs):
    found = pairs.labelled(NETWORK)
    # B is no target of the network and no target that is judged but a gene of it.
    assert names(found) == PAIRS
    assert [pair for pair, edge in zip(names(found), found.labels, strict=True) if edge] == [("A", "C"), ("B", "A")]
    assert names(pairs.labelled(NETWORK.iloc[:2])) == [("A", "B"), ("A", "C"), ("B", "A"), ("B", "C")]
    assert names(pairs.labelled(NETWORK, factors=["B", "X"])) == PAIRS[3:]
    assert names(pairs.labelled(NETWORK, genes=["A", "C"])) == [("A", "C"), ("B", "A"), ("B", "C")]
    assert pairs.labels is None


def test_parts_are_taken_together(pairs):
    part = pairs.labelled(NETWORK).take([4, 1])
    assert names(part) == [PAIRS[4], PAIRS[1]]
    np.testing.assert_array_equal(part.features["gradient"], [GRID[1, 2], GRID[0, 2]])
    np.testing.assert_array_equal(part.scores["gradient", "origin"], [GRID[1, 2].sum(), GRID[0, 2].sum()])
    np.testing.assert_array_equal(part.labels, [False, True])


def test_tables_of_fitted_networks_are_taken(pairs):
    """Those of get.adjacency: a regulator is a source, and a signed weight ranks by its size."""
    ranking = pd.DataFrame(PAIRS, columns=["source", "target"]).assign(score=np.arange(6.0))
    signed = ranking.assign(weight=ranking["score"] * np.tile([1, -1], 3)).drop(columns="score")
    found = pairs.with_ranking("fit", signed.rename(columns={"source": "regulator"}))
    np.testing.assert_array_equal(found.scores["fit", "null"], ranking["score"])
    known = NETWORK.rename(columns={"source": "regulator"}).assign(weight=[-1.0, 2.0, 0.5])
    np.testing.assert_array_equal(pairs.labelled(known).labels, pairs.labelled(NETWORK).labels)
    with pytest.raises(InputError, match="network has no column 'source'"):
        pairs.labelled(NETWORK[["target"]])
    with pytest.raises(InputError, match=r"ranking 'fit' has no column 'score'"):
        pairs.with_ranking("fit", ranking[["source", "target"]])
    with pytest.raises(InputError, match=r"scores the pair \('A', 'B'\) twice"):
        pairs.with_ranking("fit", pd.concat([ranking, ranking]))


def test_rankings_are_joined_by_name(pairs):
    table = pd.DataFrame(
        [(a, b, k) for k, (a, b) in enumerate([*PAIRS, ("X", "Y")])], columns=["source", "target", "score"]
    )
    found = pairs.with_ranking("r", table.sample(frac=1, random_state=0), form="reference")
    np.testing.assert_array_equal(found.scores["r", "reference"], range(6))
    assert ("r", "reference") not in pairs.scores
    with pytest.raises(InputError, match=r"no finite score of the pair \('A', 'B'\)"):
        pairs.with_ranking("r", table.iloc[1:])


def test_what_does_not_fit_is_refused(pairs):
    with pytest.raises(InputError, match="'gradient' has shape"):
        PairFeatures.of(SOURCES, TARGETS[:3], {"gradient": GRID})
    with pytest.raises(InputError, match=r"targets \(1,\)"):
        PairFeatures(np.array(["A", "B"]), np.array(["C"]), {})
    with pytest.raises(InputError, match="no labels"):
        _ = pairs.known
    with pytest.raises(InputError, match="spelled alike"):
        pairs.labelled(NETWORK.map(str.lower))


def test_one_gene_with_itself_is_no_pair_and_no_failure():
    pairs = PairFeatures.of(["A"], ["A"], {"gradient": np.ones((1, 1, 3)), "one": np.ones((1, 1))})
    assert len(pairs) == 0
    assert {name: values.shape for name, values in pairs.features.items()} == {"gradient": (0, 3), "one": (0, 1)}


def test_features_are_checked_beside_a_score_of_the_same_name():
    with pytest.raises(InputError, match=r"'one' has shape \(3, 2, 1\), but there are 2 sources and 3 targets"):
        PairFeatures.of(["A", "B"], ["C", "D", "E"], {"one": np.ones((3, 2, 1))}, {"one": np.ones((2, 3))})
