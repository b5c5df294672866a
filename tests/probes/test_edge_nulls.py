"""Degrees and shares of edges, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from scclamp.metrics import auprc
from scclamp.probes import PairFeatures, edge_nulls, gene_disjoint

GENES = [f"G{i}" for i in range(10)]


def pairs_of(weights, genes=GENES):
    i, j = (np.asarray(weights) & ~np.eye(len(genes), dtype=bool)).nonzero()
    network = pd.DataFrame({"source": np.array(genes)[i], "target": np.array(genes)[j]})
    return PairFeatures.of(genes, genes, {}).labelled(network, factors=genes, genes=genes)


@pytest.fixture
def popular():
    """Edges by popularity of both genes, and nothing else."""
    rng = np.random.default_rng(0)
    return pairs_of(rng.random((10, 10)) < np.outer(np.linspace(0, 1, 10), np.linspace(1, 0.2, 10)))


def test_counts_by_hand(popular):
    rng = np.random.default_rng(1)
    at = rng.random(len(popular)) < 0.5
    train, test = popular.take(at), popular.take(~at)
    found = edge_nulls([train], test)
    for k in range(len(test)):
        source, target = train.sources == test.sources[k], train.targets == test.targets[k]
        out, into = train.labels[source], train.labels[target]
        assert found["source degree"][k] == out.sum()
        assert found["target degree"][k] == into.sum()
        assert found["degree"][k] == out.sum() * into.sum()
        assert found["gene identity"][k] == pytest.approx(out.mean() + into.mean())
    assert (found["same pair"] == train.labels.mean()).all()
    # Popularity is all there is, and it carries over.
    assert auprc(found["gene identity"], test.labels) > 1.3 * test.labels.mean()


def test_unseen_genes_leave_chance(popular):
    train, test = gene_disjoint(popular.sources, popular.targets, rng=0)
    found = edge_nulls([popular.take(train)], popular.take(test))
    for values in found.values():
        assert np.ptp(values) == 0
        assert auprc(values, popular.labels[test]) == pytest.approx(popular.labels[test].mean())
    assert found["source degree"][0] == pytest.approx(popular.labels[train].sum() / len(set(popular.sources[train])))


def test_a_gene_met_in_the_other_role_only_is_not_met():
    train = pairs_of([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["A", "B", "C"]).take([0, 1])
    assert set(train.sources) == {"A"}
    test = PairFeatures.of(["B"], ["A"], {})
    found = edge_nulls([train], test)
    assert found["source degree"][0] == train.labels.sum()
    assert found["gene identity"][0] == 2 * train.labels.mean()


def test_several_networks_add_up(popular):
    other = pairs_of(np.eye(10)[::-1].astype(bool))
    found = edge_nulls([popular, other], popular)
    np.testing.assert_array_equal(
        found["source degree"],
        [
            (popular.labels[popular.sources == s].sum() + other.labels[other.sources == s].sum())
            for s in popular.sources
        ],
    )
    np.testing.assert_array_equal(found["same pair"], (popular.labels.astype(float) + other.labels) / 2)


def test_labels_of_the_test_are_not_read(popular):
    blind = PairFeatures(popular.sources, popular.targets, {})
    for name, values in edge_nulls([popular], blind).items():
        np.testing.assert_array_equal(values, edge_nulls([popular], popular)[name])
