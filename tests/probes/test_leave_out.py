"""What is learned on some data sets and asked on others; labels of the others are never seen."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import zscore

from scclamp._errors import InputError
from scclamp.metrics import auprc
from scclamp.probes import PairFeatures, Translator, edge_nulls, leave_out, mean_logit

FAST = Translator(epochs=25, hidden=8, batch_size=64)


def data_set(prefix, seed, *, n=14, genes=None):
    """Edges are those of negative slope, which a strength does not tell; changes are the same with noise, embeddings tell nothing."""
    rng = np.random.default_rng(seed)
    genes = [f"{prefix}{i}" for i in range(n)] if genes is None else genes
    slopes = rng.normal(size=(n, n, 2))
    i, j = (slopes.mean(-1) < -0.6).nonzero()
    network = pd.DataFrame({"source": np.array(genes)[i], "target": np.array(genes)[j]})
    features = {"gradient": slopes, "virtual": slopes + 0.3 * rng.normal(size=slopes.shape)}
    features["embedding"] = rng.normal(size=(n, n, 3))
    origins = {name: np.abs(features[name].mean(-1)) for name in ("gradient", "virtual")}
    found = PairFeatures.of(genes, genes, features, origins).labelled(network, factors=genes, genes=genes)
    noise = pd.DataFrame({"source": found.sources, "target": found.targets, "score": rng.random(len(found))})
    return found.with_ranking("noise", noise)


@pytest.fixture(scope="module")
def data():
    return {"one": data_set("A", 0), "two": data_set("B", 1), "three": data_set("C", 2)}


@pytest.fixture(scope="module")
def found(data):
    return leave_out(data, train="one", translator=FAST, rng=0)


def test_splits(data):
    def asked(train):
        return [(each.train, each.test) for each in leave_out(data, train=train, methods=[], rng=0)]

    one, two, three = data
    assert asked("each") == [((a,), b) for a in data for b in data if a != b]
    assert asked("rest") == [((two, three), one), ((one, three), two), ((one, two), three)]
    assert asked([one, three]) == [((one, three), two)]


def test_screens_of_the_same_genes_are_told_the_way_out():
    same = {name: data_set("A", seed) for seed, name in enumerate(("s0", "s1", "s2"))}
    with pytest.raises(
        InputError, match=r"disjoint=True: every pair of 's0' has a gene that 's1' has.*disjoint=False"
    ) as error:
        leave_out(same, methods=[], rng=0)
    assert "held_out" not in str(error.value)
    (one, _) = leave_out(same, train="s0", methods=[], disjoint=False, rng=0)
    assert one.n_train == len(same["s0"])


def test_translators_find_what_origins_and_nulls_do_not(data, found):
    for each in found:
        true = data[each.test].labels
        np.testing.assert_array_equal(each.pairs.labels, true)
        score = {key: auprc(values, true) for key, values in each.scores.items()}
        assert score["gradient", "translator"] > 0.85
        assert score["gradient", "translator"] > score["virtual", "translator"] > 2 * true.mean()
        assert score["gradient", "translator"] > 0.1 + score["gradient", "origin"]
        # Other genes: what was met tells nothing.
        met = [score[key] for key in score if key[1] == "null" and key[0] != "noise"]
        np.testing.assert_allclose(met, true.mean())
        assert each.n_train == len(data["one"])


def test_both_probes_together(found):
    each = found[0].scores
    logits = [each[name, "translator"] for name in ("gradient", "virtual")]
    p = mean_logit([1 / (1 + np.exp(-np.clip(values, -30, 30))) for values in logits])
    order = np.argsort(each["ensemble", "translator"])
    assert (np.diff(p[order]) >= -1e-12).all()
    origins = [zscore(each[name, "origin"]) for name in ("gradient", "virtual")]
    np.testing.assert_allclose(each["ensemble", "origin"], np.mean(origins, axis=0), atol=1e-12)


def test_labels_of_the_test_change_nothing(data, found):
    rng = np.random.default_rng(0)
    wrong = {
        name: replace(pairs, labels=rng.permutation(pairs.labels)) for name, pairs in data.items() if name != "one"
    }
    assert any((wrong[name].labels != data[name].labels).any() for name in wrong)
    for first, other in zip(found, leave_out({**data, **wrong}, train="one", translator=FAST, rng=0), strict=True):
        assert first.scores.keys() == other.scores.keys()
        for key, values in first.scores.items():
            np.testing.assert_array_equal(values, other.scores[key])


def test_genes_of_the_test_are_left_out_of_training():
    genes = [f"A{i}" for i in range(6)] + [f"B{i}" for i in range(8)]
    data = {"train": data_set("A", 0), "test": data_set("", 1, genes=genes)}
    apart, shared = (
        leave_out(data, train="train", methods=["gradient"], disjoint=d, translator=FAST, rng=0)[0]
        for d in (True, False)
    )
    # Of 14 genes in training 6 are met again.
    assert (apart.n_train, shared.n_train) == (8 * 7, 14 * 13)
    for name, values in edge_nulls([data["train"]], data["test"]).items():
        np.testing.assert_array_equal(shared.scores[name, "null"], values)
        assert np.ptp(apart.scores[name, "null"]) == 0
        assert np.ptp(values) > 0


def test_pairs_are_drawn_once_for_each_data_set(data):
    found = leave_out(data, methods=[], negatives="balanced", rng=0)
    by_test = {}
    for each in found:
        assert each.pairs.labels.mean() == 0.5
        by_test.setdefault(each.test, []).append(each.pairs)
    for same in by_test.values():
        np.testing.assert_array_equal(same[0].features["gradient"], same[1].features["gradient"])


def test_embeddings_are_learned_from_where_they_are_asked_for(data, found):
    assert ("embedding", "translator") not in found[0].scores
    asked = leave_out(data, train="one", methods=["embedding"], translator=FAST, rng=0)[0]
    assert {name for name, form in asked.scores if form == "translator"} == {"embedding"}


def test_result_is_repeatable(data, found, untouched_rng):
    again = leave_out(data, train="one", translator=FAST, rng=0)
    for one, two in zip(found, again, strict=True):
        for key, values in one.scores.items():
            np.testing.assert_array_equal(values, two.scores[key])
    # Settings are no place for what was learned.
    assert not hasattr(FAST, "network_")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": "four"}, "'four' is not there"),
        ({"train": ["one", "two", "three"]}, "no data set on one side"),
        ({"methods": ["shift"]}, "'shift' is not there"),
        ({"negatives": "none"}, "negatives='none'"),
    ],
)
def test_what_cannot_be_left_out_is_named(data, options, message):
    with pytest.raises(InputError, match=message):
        leave_out(data, **options)


def test_data_sets_must_have_been_asked_alike(data):
    with pytest.raises(InputError, match="'one'"):
        leave_out({"one": data["one"]})
    short = replace(data["two"], features={"gradient": data["two"].features["gradient"][:, :1]})
    with pytest.raises(InputError, match="as many values everywhere"):
        leave_out({"one": data["one"], "two": short})
    with pytest.raises(InputError, match="no labels"):
        leave_out({"one": data["one"], "two": replace(data["two"], labels=None)})
