"""Rankings against networks, by scikit-learn's definitions written out."""

import numpy as np
import pandas as pd
import pytest

from scclamp import datasets
from scclamp._errors import InputError
from scclamp.metrics import network_recovery

GENES = [f"G{i}" for i in range(12)]


def table(pairs, **columns):
    return pd.DataFrame({"source": [p[0] for p in pairs], "target": [p[1] for p in pairs], **columns})


@pytest.fixture
def ranking():
    rng = np.random.default_rng(0)
    pairs = [(a, b) for a in GENES for b in GENES]
    return table(pairs, score=rng.permutation(len(pairs)).astype(float))


@pytest.fixture
def network():
    rng = np.random.default_rng(1)
    pairs = [(a, b) for a in GENES[:4] for b in GENES[:9] if a != b]
    return table([pairs[k] for k in rng.choice(len(pairs), 11, replace=False)])


def by_hand(score, true):
    """Average precision, concordant pairs and precision of the top, without ties."""
    order = np.argsort(-score)
    hits = true[order]
    ap = np.mean([hits[: k + 1].mean() for k in np.flatnonzero(hits)])
    auroc = np.mean([a > b for a in score[true] for b in score[~true]])
    return ap, auroc, hits[: true.sum()].mean()


@pytest.mark.parametrize("factors", [None, ["G0", "G5", "G8", "G11", "absent"]])
def test_ranking_is_judged_on_pairs_of_factors_and_genes_of_the_network(ranking, network, factors):
    edges = set(zip(network["source"], network["target"], strict=True))
    genes = {g for edge in edges for g in edge}
    sources = {a for a, _ in edges} if factors is None else set(factors) & genes
    judged = [(a, b, s) for a, b, s in ranking.itertuples(index=False) if a in sources and b in genes and a != b]
    true = np.array([(a, b) in edges for a, b, _ in judged])
    found = network_recovery(ranking, network, factors=factors).set_index("by")
    ap, auroc, top = by_hand(np.array([s for *_, s in judged]), true)
    row = found.loc["ranking"]
    np.testing.assert_allclose(row[["auprc", "auroc", "precision_top"]].astype(float), [ap, auroc, top])
    assert row["epr"] == pytest.approx(top / true.mean())
    assert (found["n_pairs"] == len(judged)).all()
    assert (found["n_edges"] == true.sum()).all()


def test_chance_is_the_share_of_true_pairs(ranking, network):
    chance = network_recovery(ranking, network).set_index("by").loc["chance"]
    share = chance["n_edges"] / chance["n_pairs"]
    np.testing.assert_allclose(chance[["auprc", "auroc", "epr"]].astype(float), [share, 0.5, 1])


def test_degree_knows_popularity_and_nothing_else(ranking, network):
    found = network_recovery(ranking, network).set_index("by").loc["degree (oracle)"]
    popular = ranking.copy()
    out, into = network["source"].value_counts(), network["target"].value_counts()
    popular["score"] = [
        out.get(a, 0) * into.get(b, 0) for a, b in zip(popular["source"], popular["target"], strict=True)
    ]
    again = network_recovery(popular, network).set_index("by")
    np.testing.assert_array_equal(again.loc["ranking"], found)


def test_degrees_may_come_from_another_network(ranking, network):
    other = table([("G0", g) for g in GENES[1:]])
    table_of_other = network_recovery(ranking, network, degrees=other)
    assert table_of_other["by"].tolist() == ["ranking", "degree", "chance"], "it has not read the answers"
    found = table_of_other.set_index("by").loc["degree"]
    only = ranking.assign(score=((ranking["source"] == "G0") & (ranking["target"] != "G0")).astype(float))
    np.testing.assert_array_equal(network_recovery(only, network).set_index("by").loc["ranking"], found)


def test_order_and_repeated_edges_of_the_network_do_not_matter(ranking, network):
    twice = pd.concat([network, network]).sample(frac=1, random_state=0)
    shuffled = ranking.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(network_recovery(shuffled, twice), network_recovery(ranking, network))


def test_table_of_get_adjacency_is_a_ranking_and_a_network(ranking, network):
    signed = ranking.assign(weight=ranking["score"] * np.where(np.arange(len(ranking)) % 2, 1, -1))
    A = signed.drop(columns="score").rename(columns={"source": "regulator"})
    pd.testing.assert_frame_equal(network_recovery(A, network), network_recovery(ranking, network))
    top = A.loc[A["weight"].abs().nlargest(20).index]
    known = top.rename(columns={"regulator": "source"})
    pd.testing.assert_frame_equal(network_recovery(ranking, top), network_recovery(ranking, known))
    assert network_recovery(A, top)["auprc"].iloc[0] == 1


def test_networks_of_the_data_sets_are_taken_as_they_are(ranking, network, tmp_path):
    pairs = network.itertuples(index=False)
    lines = [f"{a}\t{b}\t{mode}\t1" for a, b in pairs for mode in ("Activation", "Repression")]
    (tmp_path / "trrust.tsv").write_text("\n".join(lines))
    signed = datasets.gene_sets("trrust", path=tmp_path / "trrust.tsv")
    assert len(signed) == 2 * len(network)
    (tmp_path / "hESC").mkdir()
    (tmp_path / "human-tfs.csv").write_text("TF\n" + "\n".join(GENES[:4]))
    named = network.rename(columns={"source": "Gene1", "target": "Gene2"})
    named.to_csv(tmp_path / "hESC" / "STRING.network.csv", index=False)
    reference = datasets.beeline("hESC", path=tmp_path)
    plain = network_recovery(ranking, network, factors=GENES[:4])
    for known in (signed, reference.edges):
        pd.testing.assert_frame_equal(network_recovery(ranking, known, factors=reference.factors), plain)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e, n: (e.drop(columns="score"), n), "edges has no column 'score'"),
        (lambda e, n: (e, n.rename(columns={"target": "gene"})), "network has no column 'target'"),
        (lambda e, n: (pd.concat([e, e]), n), "twice"),
        (lambda e, n: (e.assign(source=e["source"].str.lower()), n), "no pair"),
        (lambda e, n: (e.assign(score=np.nan), n), "not finite"),
        (lambda e, n: (e.merge(n), n), "both kinds"),
    ],
)
def test_what_cannot_be_judged_is_named(ranking, network, change, message):
    edges, known = change(ranking, network)
    with pytest.raises(InputError, match=message):
        network_recovery(edges, known)
