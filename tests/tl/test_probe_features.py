"""`tl.probe_features` against `tl.probe_grn` and against linear models, whose answers are known."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning

GENES = list("ABCDEF")
_rng = np.random.default_rng(0)
W = _rng.normal(size=(6, 6))
V = _rng.normal(size=(6, 3))
VALUES = [0.0, 1.0, 3.0]


class Model:
    """Reconstructs tanh(x W), represents x V, and does not know some genes."""

    name, affine = "model", False

    def __init__(self, unknown=()):
        self.unknown = np.isin(GENES, list(unknown))
        self.gene_embeddings = np.where(self.unknown[:, None], np.nan, V)

    def encode(self, x):
        return x @ torch.as_tensor(V)

    def reconstruct(self, x):
        return torch.where(torch.as_tensor(self.unknown), torch.nan, torch.tanh(x @ torch.as_tensor(W)))

    def fingerprint(self):
        return "M"


@pytest.fixture
def adata():
    X = np.random.default_rng(1).gamma(1.0, size=(20, 6))
    labels = pd.DataFrame({"perturbation": ["control"] * 8 + ["A"] * 12}, index=[f"c{i}" for i in range(20)])
    return ad.AnnData(X, obs=labels, var=pd.DataFrame(index=GENES))


def names(pairs):
    return list(zip(pairs.sources, pairs.targets, strict=True))


def grid(pairs, values):
    """Back to sources x targets."""
    found = np.full((6, 6, values.shape[-1]), np.nan)
    found[[GENES.index(s) for s in pairs.sources], [GENES.index(t) for t in pairs.targets]] = values
    return found


@pytest.mark.parametrize("baseline", ["mean", 0.2])
def test_origins_are_the_scores_of_probe_grn(adata, baseline):
    pairs = sc_c.tl.probe_features(adata, Model(), baseline=baseline, n_values=4, n_cells=10, rng=0)
    assert list(pairs.features) == ["gradient", "virtual", "silencing", "embedding", "shift"]
    for method in pairs.features:
        # Older ways are asked at the mean of cells, whatever the baseline of the others.
        at = baseline if method in ("gradient", "virtual") else "mean"
        edges = sc_c.tl.probe_grn(adata, Model(), method=method, baseline=at, n_values=4, n_cells=10, rng=0)
        score = edges.set_index(["source", "target"])["score"].loc[names(pairs)]
        np.testing.assert_allclose(pairs.scores[method, "origin"], score, rtol=1e-10)


def test_features_are_the_answers_themselves(adata):
    found = sc_c.tl.probe_features(adata, Model(), values=VALUES, n_cells=20, rng=0)
    mean, off = adata.X.mean(0), ~np.eye(6, dtype=bool)
    # By hand: tanh and its slope at shares of the mean, at values, and without the source.
    shares = (np.arange(3) + 0.5) / 3
    slopes = np.stack([W * (1 - np.tanh(s * mean @ W) ** 2) for s in shares], -1)
    np.testing.assert_allclose(grid(found, found.features["gradient"])[off], slopes[off], rtol=1e-10)
    rest = np.tanh(mean @ W)
    set_to = lambda i, v: np.tanh(np.where(np.arange(6) == i, v, mean) @ W) - rest  # noqa: E731
    changes = np.stack([np.stack([set_to(i, v) for i in range(6)]) for v in VALUES], -1)
    np.testing.assert_allclose(grid(found, found.features["virtual"])[off], changes[off], atol=1e-12)
    np.testing.assert_allclose(grid(found, found.features["silencing"])[off], -changes[off][:, :1], atol=1e-12)
    np.testing.assert_allclose(grid(found, found.features["embedding"])[off], (V[:, None] + V[None])[off], rtol=1e-12)
    shift = -mean[:, None] * V
    np.testing.assert_allclose(
        grid(found, found.features["shift"])[off], (shift[:, None] + shift[None])[off], atol=1e-12
    )


def test_sums_of_embeddings_know_no_direction(adata):
    found = sc_c.tl.probe_features(adata, Model(), methods=["embedding", "shift"], rng=0)
    for values in found.features.values():
        wide = grid(found, values)
        np.testing.assert_allclose(wide, wide.swapaxes(0, 1))


def test_genes_methods_and_cells_are_chosen(adata):
    key = {"perturbation_key": "perturbation", "control": "control"}
    found = sc_c.tl.probe_features(
        adata, Model(), sources=["B", "E"], targets=["E", "A"], methods=["silencing"], n_cells=50, rng=0, **key
    )
    assert names(found) == [("B", "E"), ("B", "A"), ("E", "A")]
    assert list(found.features) == ["silencing"]
    mean = adata.X[:8].mean(0)
    without = np.where(np.arange(6) == 1, 0, mean)
    assert found.features["silencing"][0, 0] == pytest.approx((np.tanh(mean @ W) - np.tanh(without @ W))[4])
    assert found.labels is None
    assert "probe_grn" not in adata.uns


def test_what_a_model_can_answer_is_asked(adata):
    plain = sc_c.tl.probe_features(adata, reconstruct=torch.nn.Linear(6, 6), rng=0)
    assert list(plain.features) == ["gradient", "virtual", "silencing"]
    assert list(sc_c.tl.probe_features(adata, embeddings=V, rng=0).features) == ["embedding"]
    pca = sc_c.encoders.as_encoder(torch.nn.Linear(6, 2))
    assert list(sc_c.tl.probe_features(adata, pca, rng=0).features) == ["shift"]


def test_genes_that_one_method_does_not_know_are_left_out_of_all(adata):
    with pytest.warns(InputWarning, match="1 of 6 genes"):
        found = sc_c.tl.probe_features(adata, Model(["C"]), rng=0)
    assert len(found) == 20
    assert "C" not in {*found.sources, *found.targets}
    assert all(np.isfinite(values).all() for values in found.features.values())


def test_draw_is_repeatable(adata, untouched_rng):
    first, again, other = (
        sc_c.tl.probe_features(adata, Model(), n_cells=3, rng=r).features["virtual"] for r in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["ensemble"]}, "methods='ensemble' is not known"),
        ({"methods": []}, "methods is empty"),
        ({"encoder": None}, "encoder is None"),
        ({"n_values": 0}, "n_values=0"),
        ({"values": 1.0}, "finite numbers in a row"),
        ({"sources": "A", "targets": "A"}, "one and the same gene"),
        ({"sources": ["X"]}, "sources: 'X' is not there"),
    ],
)
def test_arguments_are_checked(adata, options, message):
    before = adata.copy()
    with pytest.raises(InputError, match=message):
        sc_c.tl.probe_features(adata, **{"encoder": Model(), "rng": 0} | options)
    np.testing.assert_array_equal(adata.X, before.X)
    assert not adata.uns


def test_too_many_embeddings_are_refused(adata):
    with sc_c.settings.override(max_memory=1e-7), pytest.raises(InputError, match="Embeddings of 6 x 6 pairs"):
        sc_c.tl.probe_features(adata, embeddings=V, rng=0)


def test_an_encoder_in_another_precision_than_what_reconstructs(adata):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        single = torch.nn.Linear(adata.n_vars, 3)
    W = torch.as_tensor(np.random.default_rng(0).normal(size=(adata.n_vars, adata.n_vars)))
    pairs = sc_c.tl.probe_features(adata, single, reconstruct=lambda x: x @ W, rng=0)
    assert list(pairs.features) == ["gradient", "virtual", "silencing", "shift"]
    alone = {
        "shift": sc_c.tl.probe_features(adata, single, methods="shift", rng=0),
        "gradient": sc_c.tl.probe_features(adata, reconstruct=lambda x: x @ W, methods="gradient", rng=0),
    }
    for name, each in alone.items():
        np.testing.assert_array_equal(pairs.features[name], each.features[name])
