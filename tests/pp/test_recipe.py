"""The recipe against scanpy, and its promises: input unchanged, counts kept, named errors."""

from __future__ import annotations

import json
import sys

import anndata as ad
import numpy as np
import pytest
from scipy import sparse

from scclamp._errors import InputError, InputWarning
from scclamp.conditions import Conditions
from scclamp.datasets import simulated
from scclamp.pp import recipe

# anndata 0.13 touches options that pandas 3.1 deprecates.
pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment)")


@pytest.fixture
def raw():
    """A shallow screen of 120 genes with nothing but counts, one of them perturbed and hardly expressed."""
    screen = simulated("tiny", n_genes=120, library_size=1e4)
    counts = screen.layers["counts"].copy()
    return ad.AnnData(counts, obs=screen.obs[["perturbation"]], var=screen.var[["true_regulator"]])


def snapshot(adata):
    return adata.X.copy(), adata.obs.copy(), adata.var.copy(), dict(adata.layers), dict(adata.uns)


def assert_unchanged(adata, before):
    X, obs, var, layers, uns = before
    assert (adata.X != X).nnz == 0
    assert adata.obs.equals(obs)
    assert adata.var.equals(var)
    assert dict(adata.layers).keys() == layers.keys()
    assert dict(adata.uns) == uns


@pytest.mark.parametrize("kind", ["csr", "csc", "dense"])
def test_against_scanpy(raw, kind):
    import scanpy

    raw.X = raw.X.toarray() if kind == "dense" else raw.X.asformat(kind)
    expected = raw.copy()
    expected.X = expected.X.astype(np.float32)
    scanpy.pp.normalize_total(expected, target_sum=1e4)
    scanpy.pp.log1p(expected)
    scanpy.pp.highly_variable_genes(expected, n_top_genes=30)
    panel = recipe(raw, n_top_genes=30)
    keep = (expected.var["highly_variable"] | expected.var["true_regulator"]).to_numpy()
    assert 30 < keep.sum() == panel.n_vars < 38 + 1
    assert list(panel.var_names) == list(raw.var_names[keep])
    dense = lambda X: X.toarray() if sparse.issparse(X) else np.asarray(X)  # noqa: E731
    np.testing.assert_allclose(dense(panel.X), dense(expected.X)[:, keep], rtol=1e-5)
    np.testing.assert_array_equal(dense(panel.layers["counts"]), dense(raw.X)[:, keep])
    assert panel.X.dtype == np.float32
    assert getattr(panel.X, "format", "dense") == kind
    np.testing.assert_array_equal(panel.obs["n_counts_total"], dense(raw.X).sum(axis=1))
    np.testing.assert_array_equal(panel.var["perturbed"], raw.var["true_regulator"][keep])
    np.testing.assert_array_equal(panel.var["highly_variable"], expected.var["highly_variable"][keep])


def test_input_is_unchanged_on_success_and_failure(raw, untouched_rng):
    before = snapshot(raw)
    panel = recipe(raw, n_top_genes=30)
    panel.layers["counts"].data[:] = 7
    panel.X.data[:] = 7
    assert_unchanged(raw, before)
    with pytest.raises(InputError, match="library_size_key"):
        recipe(raw, library_size_key="n_count")
    assert_unchanged(raw, before)


def test_known_library_size_restores_the_scale(raw):
    screen = simulated("tiny", n_genes=120, library_size=1e4)
    raw.obs["n_counts"] = screen.obs["n_counts"]
    panel = recipe(raw, n_top_genes=None, library_size_key="n_counts")
    np.testing.assert_allclose(panel.X.toarray(), screen.X.toarray(), rtol=1e-5)


def test_panel_feeds_conditions_and_survives_storage(raw, tmp_path):
    panel = recipe(raw, n_top_genes=30)
    panel.write_h5ad(tmp_path / "panel.h5ad")
    back = ad.read_h5ad(tmp_path / "panel.h5ad")
    assert (back.X != panel.X).nnz == 0
    assert json.loads(back.uns["recipe"]["params"])["n_top_genes"] == 30
    conditions = Conditions.from_anndata(back, rng=0)
    assert conditions.regulators == tuple(raw.var_names[raw.var["true_regulator"]])


def test_backed_lazy_and_view(raw, tmp_path):
    panel = recipe(raw, n_top_genes=30)
    raw.write_h5ad(tmp_path / "raw.h5ad")
    backed = ad.read_h5ad(tmp_path / "raw.h5ad", backed="r")
    again = recipe(backed, n_top_genes=30)
    assert not again.isbacked
    assert (again.X != panel.X).nnz == 0
    backed.file.close()
    pytest.importorskip("xarray")
    lazy = recipe(ad.experimental.read_lazy(tmp_path / "raw.h5ad"), n_top_genes=30)
    assert (lazy.X != panel.X).nnz == 0
    assert lazy.var.equals(panel.var)
    view = recipe(raw[::2], n_top_genes=30)
    assert view.n_obs == raw.n_obs / 2
    assert set(view.var_names) >= set(raw.var_names[raw.var["true_regulator"]])


def test_perturbed_genes_that_are_not_measured_are_named(raw):
    without = raw[:, ~raw.var["true_regulator"]].copy()
    said = r"8 of 8 perturbed genes are not measured: 'REG01', .*unmeasured='latent' .*unmeasured='drop'"
    with pytest.warns(InputWarning, match=said) as caught:
        panel = recipe(without, n_top_genes=30)
    assert [each.filename for each in caught if each.category is InputWarning] == [__file__]
    assert panel.n_vars == 30
    assert not panel.var["perturbed"].any()


def test_other_layers_and_labels(raw):
    raw.layers["umi"] = raw.X.copy()
    raw.X = raw.X.astype(np.float32) * 0.5
    raw.obs = raw.obs.rename(columns={"perturbation": "hit"})
    raw.obs["hit"] = raw.obs["hit"].astype(str).replace("control", "wild")
    panel = recipe(raw, layer="umi", perturbation_key="hit", control="wild", n_top_genes=30)
    assert panel.var["perturbed"].sum() == 8
    np.testing.assert_array_equal(panel.layers["counts"].toarray(), panel.layers["umi"].toarray())
    assert not np.shares_memory(panel.layers["counts"].data, panel.layers["umi"].data)


def log_normalised(adata):
    adata.layers["umi"] = adata.X
    adata.X = adata.X.log1p()


def with_nan(adata):
    adata.X = adata.X.astype(np.float32)
    adata.X.data[3] = np.nan


def with_empty_cell(adata):
    adata.X = sparse.csr_matrix(adata.X.toarray() * (np.arange(adata.n_obs) != 5)[:, None])


def with_small_library(adata):
    adata.obs["n_counts"] = 3


def with_missing_library(adata):
    adata.obs["n_counts"] = np.nan


def with_repeated_gene(adata):
    adata.var_names = ["A", "A", *adata.var_names[2:]]


def without_labels(adata):
    del adata.obs["perturbation"]


@pytest.mark.parametrize(
    ("spoil", "arguments", "message"),
    [
        (log_normalised, {}, "layer='umi'"),
        (with_nan, {}, "holds nan"),
        (with_empty_cell, {}, "CELL0000006"),
        (with_small_library, {"library_size_key": "n_counts"}, "holds 3 for cell 'CELL0000001'"),
        (with_missing_library, {"library_size_key": "n_counts"}, "holds nan"),
        (with_repeated_gene, {}, "var_names_make_unique"),
        (without_labels, {}, "perturbation_key"),
        (lambda adata: None, {"n_top_genes": 0}, "n_top_genes=0"),
        (lambda adata: None, {"n_top_genes": True}, "n_top_genes=True"),
        (lambda adata: None, {"n_top_genes": "all"}, "n_top_genes='all'"),
        (lambda adata: None, {"n_top_genes": 10.5}, "n_top_genes=10.5"),
        (lambda adata: None, {"target_sum": -1.0}, "target_sum=-1.0"),
        (lambda adata: None, {"target_sum": "1e4"}, "target_sum='1e4'"),
        (lambda adata: None, {"layer": "spliced"}, "layer='spliced'"),
    ],
)
def test_errors(raw, spoil, arguments, message):
    spoil(raw)
    with pytest.raises(InputError, match=message):
        recipe(raw, **arguments)


def test_nothing_to_prepare(raw):
    with pytest.raises(InputError, match="nothing to prepare"):
        recipe(raw[:0].copy())


def test_without_scanpy(raw, monkeypatch):
    monkeypatch.setitem(sys.modules, "scanpy", None)
    with pytest.raises(ImportError, match=r"scclamp\[scanpy\]"):
        recipe(raw, n_top_genes=30)
    assert recipe(raw, n_top_genes=None).n_vars == raw.n_vars


def test_mudata_gives_the_panel_of_one_modality(raw):
    import mudata

    labels = raw.obs.pop("perturbation")
    proteins = ad.AnnData(np.ones((raw.n_obs, 2)), obs=raw.obs[[]].copy())
    proteins.var_names = ["CD4", "CD8"]
    mdata = mudata.MuData({"rna": raw, "adt": proteins})
    mdata.obs["perturbation"] = labels
    panel = recipe(mdata, mod="rna", n_top_genes=30)
    alone = raw.copy()
    alone.obs["perturbation"] = labels
    expected = recipe(alone, n_top_genes=30)
    assert list(panel.var_names) == list(expected.var_names)
    assert (panel.X != expected.X).nnz == 0
    # The panel stands alone: its labels came along.
    assert Conditions.from_anndata(panel, rng=0).names == Conditions.from_anndata(expected, rng=0).names
    with pytest.raises(InputError, match="mod=None, but the data is a MuData"):
        recipe(mdata)


def test_the_panel_is_logged(raw, caplog):
    with caplog.at_level("INFO", logger="scclamp"):
        panel = recipe(raw, n_top_genes=30)
    assert f"panel of {panel.n_vars} of 120 genes (30 variable, 8 perturbed) in {raw.n_obs} cells" in caplog.text
