"""As many other pairs as edges, over all or for each source."""

import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp.probes import PairFeatures, sample_negatives

GENES = [f"G{i}" for i in range(20)]


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    i, j = (rng.random((6, 20)) < np.array([0.05, 0.1, 0.2, 0.3, 0.8, 0.9])[:, None]).nonzero()
    network = pd.DataFrame({"source": np.array(GENES)[i], "target": np.array(GENES)[j]})
    network = network[network["source"] != network["target"]]
    return PairFeatures.of(GENES[:6], GENES, {"one": np.arange(120.0).reshape(6, 20)}).labelled(network)


def counts(pairs):
    return pd.DataFrame({"source": pairs.sources, "edge": pairs.labels}).groupby("source")["edge"].agg(["sum", "size"])


def test_all_are_kept(pairs):
    assert sample_negatives(pairs, "all") is pairs


def test_balanced(pairs):
    found = sample_negatives(pairs, "balanced", rng=0)
    rare = min(pairs.labels.sum(), (~pairs.labels).sum())
    assert (found.labels.sum(), len(found)) == (rare, 2 * rare)
    # A part of the pairs, in their order; all of the rarer kind.
    kept = np.isin(pairs.features["one"][:, 0], found.features["one"][:, 0])
    np.testing.assert_array_equal(pairs.features["one"][kept], found.features["one"])
    assert kept[pairs.labels == (pairs.labels.sum() == rare)].all()


def test_matched(pairs):
    before, after = counts(pairs), counts(sample_negatives(pairs, "matched", rng=0))
    rare = np.minimum(before["sum"], before["size"] - before["sum"])
    np.testing.assert_array_equal(after["sum"], rare[rare > 0])
    np.testing.assert_array_equal(after["size"], 2 * rare[rare > 0])


def test_every_pair_is_as_likely_as_another(pairs):
    drawn = np.zeros(120)
    for seed in range(400):
        drawn[sample_negatives(pairs, "balanced", rng=seed).features["one"][:, 0].astype(int)] += 1
    for kind in (True, False):
        at = pairs.features["one"][pairs.labels == kind, 0].astype(int)
        share = min(pairs.labels.sum(), (~pairs.labels).sum()) / len(at)
        # Five standard deviations of a binomial.
        assert (np.abs(drawn[at] / 400 - share) <= 5 * np.sqrt(share * (1 - share) / 400)).all()


def test_draw_is_repeatable(pairs, untouched_rng):
    first, again, other = (sample_negatives(pairs, "balanced", rng=r).features["one"] for r in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_labels_and_a_known_kind_are_needed(pairs):
    with pytest.raises(InputError, match="negatives='some'"):
        sample_negatives(pairs, "some")
    with pytest.raises(InputError, match="no labels"):
        sample_negatives(PairFeatures.of(["A"], ["B"], {}))
