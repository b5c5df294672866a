"""A recovered network against the true one, every figure by another tool."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from scclamp._errors import InputError
from scclamp.datasets import simulated
from scclamp.metrics import cell_correlation, edge_recovery, shift_ranking


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 5)) * (rng.random((40, 5)) < 0.2)
    scores = truth + 0.3 * rng.normal(size=(40, 5))
    return scores, truth, np.array([3, 7, -1, 20, 39])


def test_against_sklearn_and_scipy(network):
    scores, truth, rows = network
    keep = np.ones(truth.shape, dtype=bool)
    for j, row in enumerate(rows):
        if row >= 0:
            keep[row, j] = False
    s, t = scores[keep], truth[keep]
    edge, order = t != 0, np.argsort(-np.abs(s))[: np.count_nonzero(t)]
    right = np.sign(s) == np.sign(t)
    expected = {
        "auprc": average_precision_score(edge, np.abs(s)),
        "auprc_chance": edge.mean(),
        "auroc": roc_auc_score(edge, np.abs(s)),
        "precision_top": edge[order].mean(),
        "sign_accuracy": right[edge].mean(),
        "sign_accuracy_top": right[order][edge[order]].mean(),
        "pearson_edges": stats.pearsonr(s[edge], t[edge]).statistic,
        "spearman_edges": stats.spearmanr(s[edge], t[edge]).statistic,
        "pearson_all": stats.pearsonr(s, t).statistic,
        "spearman_all": stats.spearmanr(s, t).statistic,
        "n_edges": edge.sum(),
        "n_pairs": 200 - 4,
        "top_k": edge.sum(),
    }
    found = edge_recovery(scores, truth, regulator_rows=rows)
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-12)


def test_self_loops_do_not_count(network):
    scores, truth, rows = network
    wild = scores.copy()
    wild[rows[0], 0] = np.nan
    wild[rows[1], 1] = 1e6
    assert edge_recovery(wild, truth, regulator_rows=rows) == edge_recovery(scores, truth, regulator_rows=rows)


def test_the_zero_network_scores_chance(network):
    _, truth, _ = network
    found = edge_recovery(np.zeros_like(truth), truth)
    assert found["auroc"] == 0.5
    assert found["auprc"] == pytest.approx(found["auprc_chance"])
    assert found["sign_accuracy"] == 0.0
    assert np.isnan(found["pearson_all"])


def test_input_is_unchanged(network):
    scores, truth, rows = (a.copy() for a in network)
    candidates = np.ones(truth.shape, dtype=bool)
    edge_recovery(scores, truth, regulator_rows=rows, candidates=candidates)
    np.testing.assert_array_equal(scores, network[0])
    assert candidates.all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, t: (s[:3], t), "both must be genes x regulators"),
        (lambda s, t: (s * np.nan, t), "scores.* is not finite"),
        (lambda s, t: (s, t * np.inf), "truth.* is not finite"),
        (lambda s, t: (s, 0 * t), "all alike"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_errors(network, change, message):
    with pytest.raises(InputError, match=message):
        edge_recovery(*change(*network[:2]))


def test_baselines_on_a_simulated_screen():
    """The shift ranking is far above chance, below the direct effects themselves, and above the correlation."""
    adata = simulated("demo", combinations=0, n_cells_per_condition=50, n_control_cells=400)
    truth, uns = adata.varm["true_A"], adata.uns["truth"]
    rows = adata.var_names.get_indexer(uns["regulators"])
    singles = [list(uns["conditions"]).index(name) for name in uns["regulators"]]
    shift = shift_ranking(adata.varm["true_states"].T, singles)
    control = (adata.obs["perturbation"] == "control").to_numpy()
    scores = {
        "shift": edge_recovery(shift, truth, regulator_rows=rows)["auprc"],
        "correlation": edge_recovery(cell_correlation(adata.X[control], rows), truth, regulator_rows=rows)["auprc"],
    }
    assert 0.6 < scores["shift"] < 0.95
    assert scores["correlation"] < 0.3
