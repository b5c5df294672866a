"""`tl.probe_grn` on models whose dependences are known."""

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning
from scclamp.encoders import as_encoder

OF_GENES = ("gradient", "virtual", "ensemble", "silencing", "embedding")
"""Methods that learn which genes a model knows; a representation says nothing of single ones."""
GENES = list("ABCDEF")
_rng = np.random.default_rng(0)
W = _rng.normal(size=(6, 6))


@pytest.fixture
def adata():
    X = np.random.default_rng(1).gamma(1.0, size=(20, 6))
    labels = pd.DataFrame({"perturbation": ["control"] * 8 + ["A"] * 12}, index=[f"c{i}" for i in range(20)])
    return ad.AnnData(X, obs=labels, var=pd.DataFrame(index=GENES))


class Linear:
    """An encoder that reconstructs x W, and does not know some genes."""

    name, affine = "linear", True

    def __init__(self, unknown=()):
        self.unknown = list(unknown)
        self.gene_embeddings = np.where(np.isin(GENES, self.unknown)[:, None], np.nan, W)

    def encode(self, x):
        return x @ torch.as_tensor(W[:, :4])

    def reconstruct(self, x):
        value = x @ torch.as_tensor(W)
        value[..., [GENES.index(g) for g in self.unknown]] = torch.nan
        return value

    def fingerprint(self):
        return "W"


def matrix(edges):
    return edges.assign(w=edges["score"] * edges["sign"]).pivot(index="source", columns="target", values="w")


@pytest.mark.parametrize(
    ("method", "baseline"), [("gradient", "mean"), ("gradient", 0.1), ("virtual", "mean"), ("virtual", 0.1)]
)
def test_linear_models_show_their_weights(adata, method, baseline):
    found = sc_c.tl.probe_grn(adata, Linear(), method=method, baseline=baseline, rng=0)
    assert list(found.columns) == ["source", "target", "score", "sign"]
    assert found["score"].is_monotonic_decreasing
    assert len(found) == 30
    off = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(matrix(found).to_numpy()[off], W[off], rtol=1e-10)


def test_sources_and_targets_are_chosen(adata):
    found = sc_c.tl.probe_grn(adata, Linear(), sources=["B", "E"], targets=["E", "A", "F"], rng=0)
    assert set(zip(found["source"], found["target"], strict=True)) == {(a, b) for a in "BE" for b in "EAF" if a != b}
    w = matrix(found)
    assert w.loc["B", "F"] == pytest.approx(W[1, 5])
    assert w.loc["E", "A"] == pytest.approx(W[4, 0])


def test_silencing_takes_the_mean_of_the_drawn_cells(adata):
    found = matrix(sc_c.tl.probe_grn(adata, Linear(), method="silencing", n_cells=100, rng=0))
    off = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(found.to_numpy()[off], (adata.X.mean(0)[:, None] * W)[off], rtol=1e-10)
    key = {"perturbation_key": "perturbation", "control": "control"}
    found = matrix(sc_c.tl.probe_grn(adata, Linear(), method="silencing", n_cells=100, rng=0, **key))
    np.testing.assert_allclose(found.to_numpy()[off], (adata.X[:8].mean(0)[:, None] * W)[off], rtol=1e-10)


@pytest.mark.parametrize(("method", "vectors"), [("embedding", W), ("shift", W[:, :4])])
def test_similarities_are_cosines(adata, method, vectors):
    found = sc_c.tl.probe_grn(adata, Linear(), method=method, rng=0)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    off = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(matrix(found).to_numpy()[off], (unit @ unit.T)[off], rtol=1e-10)


def test_nonlinear_model_at_the_values_of_the_paper(adata):
    def net(x):
        return torch.tanh(x @ torch.as_tensor(W))

    values, v_b = [0.5, 1.0, 2.0], 0.2
    virtual = sc_c.tl.probe_grn(adata, reconstruct=net, method="virtual", baseline=v_b, values=values, rng=0)
    slopes = sc_c.tl.probe_grn(adata, reconstruct=net, method="gradient", baseline=v_b, values=values, rng=0)
    both = sc_c.tl.probe_grn(adata, reconstruct=net, method="ensemble", baseline=v_b, values=values, rng=0)
    rest = np.full(6, v_b)
    strength, rms = np.zeros((6, 6)), np.zeros((6, 6))
    for i in range(6):
        states = np.stack([np.where(np.arange(6) == i, v, rest) for v in values])
        change = np.tanh(states @ W) - np.tanh(rest @ W)
        strength[i] = np.sqrt((change**2).sum(0) / ((np.array(values) - v_b) ** 2).sum())
        rms[i] = np.sqrt(((W[i] * (1 - np.tanh(states @ W) ** 2)) ** 2).mean(0))
    off = ~np.eye(6, dtype=bool)
    wide = [t.pivot(index="source", columns="target", values="score").to_numpy()[off] for t in (virtual, slopes, both)]
    np.testing.assert_allclose(wide[0], strength[off], rtol=1e-10)
    np.testing.assert_allclose(wide[1], rms[off], rtol=1e-10)
    z = [(s[off] - s[off].mean()) / s[off].std() for s in (strength, rms)]
    np.testing.assert_allclose(wide[2], (z[0] + z[1]) / 2, atol=1e-10)
    # A hyperbolic tangent is monotone: every answer has the sign of its weight.
    np.testing.assert_array_equal(np.sign(matrix(slopes).to_numpy()[off]), np.sign(W[off]))
    assert both.set_index(["source", "target"])["sign"].equals(
        slopes.set_index(["source", "target"])["sign"].reindex(pd.MultiIndex.from_frame(both[["source", "target"]]))
    )


@pytest.mark.parametrize("method", OF_GENES)
def test_unknown_genes_are_left_out_aloud(adata, method):
    with pytest.warns(InputWarning, match="1 of 6 genes are left out"):
        found = sc_c.tl.probe_grn(adata, Linear(["C"]), method=method, rng=0)
    assert "C" not in {*found["source"], *found["target"]}
    assert len(found) == 20
    with pytest.raises(InputError, match="knows none of 'C'"):
        sc_c.tl.probe_grn(adata, Linear(["C"]), method=method, sources="C", rng=0)


def test_modules_in_single_precision(adata):
    module = torch.nn.Linear(6, 6)
    found = matrix(sc_c.tl.probe_grn(adata, reconstruct=module, rng=0))
    off = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(found.to_numpy()[off], module.weight.detach().numpy().T[off], rtol=1e-5)
    assert module.weight.grad is None


def test_result_is_written_and_stored(adata, tmp_path):
    found = sc_c.tl.probe_grn(adata, Linear(), method="virtual", n_cells=5, n_values=3, rng=0, key_added="asked")
    pd.testing.assert_frame_equal(adata.uns["asked"]["edges"], found)
    params = json.loads(adata.uns["asked"]["params"])
    assert (params["method"], params["n_cells"], params["model"], params["fingerprint"]) == (
        "virtual",
        5,
        "linear",
        "W",
    )
    assert (len(params["values"]), params["values"][0]) == (3, 0)
    adata.write_h5ad(tmp_path / "x.h5ad")
    back = ad.read_h5ad(tmp_path / "x.h5ad").uns["asked"]["edges"]
    np.testing.assert_array_equal(back["score"], found["score"])


def test_draw_is_repeatable(adata, untouched_rng):
    first, again, other = (sc_c.tl.probe_grn(adata, Linear(), method="silencing", n_cells=3, rng=r) for r in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert not first["score"].equals(other["score"])


@pytest.mark.parametrize(("method", "largest"), [("gradient", 8), ("virtual", 256)])
def test_a_thousand_genes_are_asked_in_batches(method, largest):
    n = 1000
    adata = ad.AnnData(np.random.default_rng(0).gamma(1.0, size=(4, n)).astype(np.float32))
    weights = torch.as_tensor(np.random.default_rng(1).normal(size=n), dtype=torch.float64)
    seen = []

    def reconstruct(x):
        seen.append(len(x))
        return weights * x.roll(1, -1)

    with sc_c.settings.override(max_memory=0.07):
        found = sc_c.tl.probe_grn(adata, reconstruct=reconstruct, method=method, batch_size=256, rng=0)
    assert len(found) == n * (n - 1)
    assert max(seen) == largest
    top = found.iloc[:n]
    assert ((top["target"].astype(int) - top["source"].astype(int)) % n == 1).all()
    np.testing.assert_allclose(top["score"], np.sort(weights.abs().numpy())[::-1])
    with sc_c.settings.override(max_memory=0.06), pytest.raises(InputError, match="fewer sources"):
        sc_c.tl.probe_grn(adata, reconstruct=reconstruct, rng=0)


def test_known_network_is_found_in_a_model_that_has_it():
    adata = sc_c.datasets.simulated("tiny")
    at = adata.var_names.get_indexer(adata.uns["truth"]["regulators"])
    full = torch.zeros(adata.n_vars, adata.n_vars, dtype=torch.float64)
    full[at] = torch.as_tensor(adata.varm["true_A"].T, dtype=torch.float64)
    found = sc_c.tl.probe_grn(adata, reconstruct=lambda x: torch.tanh(x @ full), sources=adata.var_names[at], rng=0)
    i, j = full.numpy().nonzero()
    truth = pd.DataFrame({"source": adata.var_names[i], "target": adata.var_names[j]})
    judged = sc_c.metrics.network_recovery(found, truth).set_index("by")
    assert judged.loc["ranking", "auprc"] == 1
    assert judged.loc["degree (oracle)", "auprc"] < 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": None}, "encoder is None"),
        ({"encoder": as_encoder(torch.nn.Linear(6, 2))}, r"has no reconstruct\(x\)"),
        ({"encoder": "pca"}, "no map of a tensor"),
        ({"encoder": as_encoder(torch.nn.Linear(6, 2)), "method": "embedding"}, "has no gene_embeddings"),
        ({"encoder": None, "reconstruct": torch.nn.Identity(), "method": "shift"}, "Pass an encoder"),
        ({"encoder": None, "embeddings": np.ones((5, 2)), "method": "embedding"}, r"shape \(5, 2\)"),
        ({"method": "gradients"}, "Did you mean 'gradient'"),
        ({"baseline": "median"}, "baseline='median'"),
        ({"baseline": float("nan")}, "baseline=nan"),
        ({"values": [1.0]}, "values do not bear"),
        ({"values": [np.inf], "method": "virtual"}, "finite numbers"),
        ({"values": [0.5], "baseline": 0.5, "method": "virtual"}, "off the background"),
        ({"reconstruct": lambda x: x[:, :2]}, r"gave \(1, 2\)"),
        ({"reconstruct": lambda x: x.detach()}, "stops gradients"),
        ({"control": "control"}, "without perturbation_key"),
        ({"sources": "Z"}, "'Z' is not there"),
        ({"n_cells": 0}, "n_cells=0"),
        ({"sources": "A", "targets": ["A"]}, "one and the same gene"),
        ({"sources": 0}, "sources=0 is no name"),
        ({"values": "abc", "method": "virtual"}, "finite numbers"),
        ({"encoder": None, "embeddings": sp.eye_array(6), "method": "embedding"}, "no table of numbers"),
        ({"reconstruct": lambda x: x.long(), "method": "virtual"}, "returned int64"),
    ],
)
def test_refused_requests_leave_no_trace(adata, options, message):
    with pytest.raises(InputError, match=message):
        sc_c.tl.probe_grn(adata, **{"encoder": Linear(), "rng": 0} | options)
    assert not adata.uns


def test_two_genes_of_one_name_make_no_pair(adata):
    adata.var_names = ["A", *list(adata.var_names)[1:-1], "A"]
    for ask in (sc_c.tl.probe_grn, sc_c.tl.probe_features):
        with pytest.raises(InputError, match=r"var_names are not unique: 'A'"):
            ask(adata, Linear(), rng=0)


def test_a_table_of_embeddings_is_in_the_order_of_the_genes(adata):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(adata.n_vars, 3)), index=adata.var_names)
    options = {"method": "embedding", "rng": 0}
    found = sc_c.tl.probe_grn(adata, embeddings=table, **options)
    pd.testing.assert_frame_equal(sc_c.tl.probe_grn(adata, embeddings=table.to_numpy(), **options), found)
    pd.testing.assert_frame_equal(sc_c.tl.probe_grn(adata, embeddings=table.reset_index(drop=True), **options), found)
    with pytest.raises(InputError, match=r"in another order\. Pass embeddings\.loc\[adata\.var_names\]"):
        sc_c.tl.probe_grn(adata, embeddings=table[::-1], **options)
