"""Two rankings against each other, by scipy and by counting."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp.metrics import network_agreement

GENES = [f"G{i}" for i in range(10)]


def ranking(seed, weights=None):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(10, 10)) if weights is None else weights
    i, j = np.indices(W.shape).reshape(2, -1)
    table = {"source": np.array(GENES)[i], "target": np.array(GENES)[j], "score": np.abs(W).ravel()}
    return pd.DataFrame({**table, "sign": np.sign(W).ravel()})


def test_by_hand():
    one, two = ranking(0), ranking(1)
    two["score"] += one["score"]
    found = network_agreement(one, two.sample(frac=0.7, random_state=0), top_k=15)
    both = one.merge(two.sample(frac=0.7, random_state=0), on=["source", "target"])
    both = both[both["source"] != both["target"]]
    assert found["n_pairs"] == len(both)
    assert found["spearman"] == pytest.approx(spearmanr(both["score_x"], both["score_y"]).statistic)
    within = [spearmanr(part["score_x"], part["score_y"]).statistic for _, part in both.groupby("source")]
    assert found["spearman_within"] == pytest.approx(np.mean(within))
    top = both["score_x"].rank(ascending=False).le(15) & both["score_y"].rank(ascending=False).le(15)
    assert found["top_shared"] == pytest.approx(top.sum() / 15)
    assert found["top_chance"] == pytest.approx(15 / len(both))
    equal = both["sign_x"] == both["sign_y"]
    assert found["sign_agreement"] == pytest.approx(equal.mean())
    assert found["sign_agreement_top"] == pytest.approx(equal[top].mean())


def test_a_ranking_agrees_with_itself_and_not_with_its_negative_sign():
    one = ranking(0)
    found = network_agreement(one, one.assign(sign=-one["sign"]))
    assert (found["spearman"], found["spearman_within"], found["top_shared"]) == (1, 1, 1)
    assert (found["sign_agreement"], found["sign_agreement_top"]) == (0, 0)
    assert found["top_k"] == 9


def test_zeros_have_no_sign_and_constants_no_rank():
    one = ranking(0)
    none = network_agreement(one, one.assign(score=1.0, sign=0))
    assert np.isnan([none[k] for k in ("spearman", "spearman_within", "sign_agreement", "sign_agreement_top")]).all()
    # Ties at the top share it.
    assert none["top_shared"] == pytest.approx(none["top_chance"])
    assert np.isnan(network_agreement(one, one.drop(columns="sign"))["sign_agreement"])


def test_network_of_a_fit_against_the_truth():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=20)
    A = sc_c.get.adjacency(adata)
    weight = adata.varm["true_A"]
    i, j = np.indices(weight.shape).reshape(2, -1)
    names = adata.uns["truth"]["regulators"], adata.var_names
    truth = pd.DataFrame({"regulator": names[0][j], "target": names[1][i], "weight": weight.ravel()})
    found = network_agreement(A, truth, top_k=int((weight != 0).sum()) // 2)
    assert found["n_pairs"] == len(A)
    assert found["spearman_within"] > 0.3
    assert found["top_shared"] > 3 * found["top_chance"]
    assert found["sign_agreement_top"] > 0.95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: pd.concat([t, t]), "twice"),
        (lambda t: t.assign(source="x" + t["source"]), "no pair in common"),
        (lambda t: t.drop(columns="score"), "edges has no column 'score'"),
        (lambda t: t.assign(score=np.inf), "not finite"),
    ],
)
def test_what_cannot_be_compared_is_named(change, message):
    with pytest.raises(InputError, match=message):
        network_agreement(change(ranking(0)), ranking(1))
    with pytest.raises(InputError, match="top_k=200"):
        network_agreement(ranking(0), ranking(1), top_k=200)
