"""Tables of transfers: scores by network_recovery's definitions, intervals by coverage and by pairing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp.metrics import auprc, network_recovery, transfer_recovery
from scclamp.probes import PairFeatures, Transfer

GENES = [f"G{i}" for i in range(12)]


@pytest.fixture
def transfer():
    rng = np.random.default_rng(0)
    weights = rng.random((12, 12)) < 0.25
    i, j = (weights & ~np.eye(12, dtype=bool)).nonzero()
    network = pd.DataFrame({"source": np.array(GENES)[i], "target": np.array(GENES)[j]})
    pairs = PairFeatures.of(GENES, GENES, {}).labelled(network, factors=GENES, genes=GENES)
    good = pairs.labels + rng.normal(0, 0.4, len(pairs))
    scores = {
        ("good", "translator"): good,
        ("good", "origin"): -good,
        ("weak", "null"): pairs.labels + rng.normal(0, 2, len(pairs)),
    }
    scores["bad", "null"] = -pairs.labels.astype(float)
    scores["known", "reference"] = pairs.labels.astype(float)
    return Transfer(("a", "b"), "c", 77, pairs, scores)


def test_every_score_has_its_row_beside_chance(transfer):
    table = transfer_recovery([transfer], n_boot=20, rng=0)
    assert table["auprc"].is_monotonic_decreasing
    assert set(zip(table["method"], table["form"], strict=True)) == {*transfer.scores, ("chance", "null")}
    assert (table[["train", "test", "n_train", "n_sources"]] == ["a+b", "c", 77, 12]).all(axis=None)
    edges = pd.DataFrame({"source": transfer.pairs.sources, "target": transfer.pairs.targets})
    known = edges[transfer.pairs.labels]
    for _, row in table.iterrows():
        score = transfer.scores.get((row["method"], row["form"]), np.zeros(len(edges)))
        judged = network_recovery(edges.assign(score=score), known, factors=GENES).set_index("by").loc["ranking"]
        columns = ["auprc", "auroc", "precision_top", "epr", "n_edges", "n_pairs"]
        np.testing.assert_allclose(row[columns].astype(float), judged[columns].astype(float))
        assert row["chance"] == pytest.approx(transfer.pairs.labels.mean())
        assert row["ratio"] == pytest.approx(row["auprc"] / row["chance"])


def test_gain_is_over_the_strongest_null(transfer):
    table = transfer_recovery([transfer], n_boot=200, rng=0).set_index(["method", "form"])
    true = transfer.pairs.labels
    assert set(table["strongest_null"]) == {"weak"}
    weak = auprc(transfer.scores["weak", "null"], true)
    assert table.loc[("good", "translator"), "gain"] == pytest.approx(
        auprc(transfer.scores["good", "translator"], true) - weak
    )
    assert (table.loc[("weak", "null"), ["gain", "gain_low", "gain_high"]] == 0).all()
    assert table.loc[("good", "translator"), "gain_low"] > 0
    assert table.loc[("good", "origin"), "gain_high"] < 0
    # Chance is certain of itself, whatever sources are drawn.
    np.testing.assert_allclose(table.loc[("chance", "null"), ["ratio_low", "ratio_high"]].astype(float), 1)
    without = replace(transfer, scores={("good", "origin"): -transfer.scores["good", "translator"]})
    assert set(transfer_recovery([without], n_boot=2)["strongest_null"]) == {"chance"}


def test_interval_widens_where_sources_differ():
    rng = np.random.default_rng(0)
    found = []
    for share in (0.0, 1.0):
        pairs = PairFeatures.of(GENES, [f"T{i}" for i in range(60)], {})
        labels = rng.random(len(pairs)) < 0.3
        seen = np.isin(pairs.sources, GENES[: round(6 * share)]) if share else rng.random(len(pairs)) < 0.5
        score = np.where(seen, labels + rng.normal(0, 0.2, len(pairs)), rng.normal(0, 1, len(pairs)))
        transfer = Transfer(("a",), "b", 1, replace(pairs, labels=labels), {("x", "origin"): score})
        row = transfer_recovery([transfer], rng=0).set_index("method").loc["x"]
        assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
        found.append(row["ratio_high"] - row["ratio_low"])
    assert found[1] > 2 * found[0]


def test_few_sources_have_no_interval(transfer):
    few = np.isin(transfer.pairs.sources, GENES[:4])
    part = replace(transfer, pairs=transfer.pairs.take(few), scores={k: v[few] for k, v in transfer.scores.items()})
    table = transfer_recovery([part], n_boot=10, rng=0)
    assert table[["ratio_low", "ratio_high", "gain_low", "gain_high"]].isna().all(axis=None)
    assert table["ratio"].notna().all()


def test_result_is_repeatable(transfer, untouched_rng):
    first, again, other = (transfer_recovery([transfer], n_boot=20, rng=r) for r in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert not first["ratio_low"].equals(other["ratio_low"])


def test_what_cannot_be_judged_is_named(transfer):
    with pytest.raises(InputError, match="transfers is empty"):
        transfer_recovery([])
    with pytest.raises(InputError, match="both kinds are needed"):
        transfer_recovery(
            [replace(transfer, pairs=replace(transfer.pairs, labels=np.zeros(len(transfer.pairs), bool)))]
        )
    with pytest.raises(InputError, match="not finite"):
        transfer_recovery([replace(transfer, scores={("x", "origin"): np.full(len(transfer.pairs), np.nan)})])
