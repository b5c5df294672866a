"""Conditions against a pandas groupby, over every kind of storage, and on real screens."""

from __future__ import annotations

from dataclasses import fields

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from scclamp._assignment import assign
from scclamp._errors import InputError, InputWarning
from scclamp._split import TRAIN, bootstrap_weights
from scclamp.conditions import Conditions

# anndata 0.13.4 and mudata 0.4.1 use what pandas 3.1 has deprecated, in views with categories and in MuData.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'mode.chained_assignment' option is deprecated"),
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.drop is deprecated"),
]

GENES = ["AHR", "KLF1", "HLA-A", "RP11-54O7.1", "BRCA1/2", *(f"G{i}" for i in range(9))]
LABELS = ["ctrl", "AHR", "KLF1+ctrl", "HLA-A", "BRCA1/2", "KLF1+AHR", "AHR+G3", "AHR+BRCA1/2"]


def make(n=150, seed=0, labels=LABELS):
    rng = np.random.default_rng(seed)
    X = np.where(rng.random((n, len(GENES))) < 0.5, rng.lognormal(size=(n, len(GENES))), 0.0)
    chosen = np.concatenate([labels, rng.choice(labels, n - len(labels))])
    obs = pd.DataFrame({"condition": pd.Categorical(chosen), "batch": "x"}, index=[f"c{i}" for i in range(n)])
    return ad.AnnData(X, obs=obs, var=pd.DataFrame(index=GENES))


def snapshot(adata):
    def plain(matrix):
        return matrix.toarray().tobytes() if sp.issparse(matrix) else np.asarray(matrix).tobytes()

    layers = {key: plain(adata.layers[key]) for key in adata.layers if key is not None}
    return plain(adata.X), layers, adata.obs.to_csv(), adata.var.to_csv(), list(adata.uns), list(adata.obsm)


def oracle(adata, roles, role):
    """Means by condition with pandas alone."""
    table = pd.DataFrame(np.asarray(adata.X), columns=adata.var_names)
    names = [("+".join(sorted(set(label.split("+")) - {"ctrl"})) or "control") for label in adata.obs["condition"]]
    return table[roles == role].groupby(np.array(names)[roles == role]).mean()


def assert_equal(a, b, rtol=0.0):
    for field in fields(Conditions):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if isinstance(x, np.ndarray) and x.dtype.kind == "f":
            np.testing.assert_allclose(x, y, rtol=rtol, atol=0, err_msg=field.name)
        elif isinstance(x, np.ndarray):
            np.testing.assert_array_equal(x, y, err_msg=field.name)
            assert x.dtype == y.dtype
        else:
            assert x == y, field.name


def test_means_and_clamps_against_pandas(untouched_rng):
    adata = make()
    before = snapshot(adata)
    c = Conditions.from_anndata(adata, rng=3)
    assert snapshot(adata) == before
    roles = assign(adata, rng=3).roles
    assert c.names == ("control", "AHR", "AHR+BRCA1/2", "AHR+G3", "AHR+KLF1", "BRCA1/2", "HLA-A", "KLF1")
    assert c.regulators == ("AHR", "BRCA1/2", "HLA-A", "KLF1")
    assert c.genes == tuple(GENES)
    np.testing.assert_array_equal(c.regulator_rows, [0, 4, 2, 1])
    train, val = oracle(adata, roles, 0), oracle(adata, roles, 1)
    np.testing.assert_allclose(c.train_mean, train.loc[list(c.names)], rtol=1e-12)
    np.testing.assert_allclose(c.val_mean, val.loc[list(c.names)], rtol=1e-12)
    for i, name in enumerate(c.names):
        for r, gene in enumerate(c.regulators):
            held = gene in name.split("+")
            assert c.clamp_mask[i, r] == held
            assert c.clamp_values[i, r] == pytest.approx(train.loc[gene, gene] if held else 0.0, rel=1e-12)
    assert list(c.complete) == [name != "AHR+G3" for name in c.names]
    assert list(c.singles) == [name in c.regulators for name in c.names]
    assert list(c.combos) == ["+" in name for name in c.names]
    assert not c.latent.any()
    assert (c.n_conditions, c.n_genes, c.n_regulators) == (8, 14, 4)
    assert c.train_n.sum() + c.val_n.sum() == 150
    assert (c.perturbation_key, c.control, c.layer, c.mod, c.split) == (
        "condition", None, None, None, "train_fraction=0.8",
    )  # fmt: skip


def test_observed_clamps_are_the_means_of_the_combination():
    adata = make()
    single = Conditions.from_anndata(adata, rng=0)
    observed = Conditions.from_anndata(adata, rng=0, clamp_values="observed")
    expected = np.where(single.clamp_mask, single.train_mean[:, single.regulator_rows], 0)
    np.testing.assert_array_equal(observed.clamp_values, expected)
    both = single.singles
    np.testing.assert_array_equal(observed.clamp_values[both], single.clamp_values[both])
    assert (observed.clamp_values[single.combos] != single.clamp_values[single.combos]).any()


def test_knocked_out_genes_are_held_at_zero_whatever_their_transcript_does():
    adata = make()
    single = Conditions.from_anndata(adata, rng=0)
    lost = Conditions.from_anndata(adata, rng=0, clamp_values="knockout")
    np.testing.assert_array_equal(lost.clamp_mask, single.clamp_mask)
    assert (single.clamp_values[single.clamp_mask] > 0).all()
    assert not lost.clamp_values.any()
    shown = lost.as_held()
    for mean, was in ((shown.train_mean, lost.train_mean), (shown.val_mean, lost.val_mean)):
        changed = np.zeros_like(mean, bool)
        changed[np.nonzero(lost.clamp_mask)[0], lost.regulator_rows[np.nonzero(lost.clamp_mask)[1]]] = True
        np.testing.assert_array_equal(mean[~changed], was[~changed])
        assert set(mean[changed & np.isfinite(was)]) == {0.0}
    alone = single.select(single.singles)
    assert alone.as_held() is alone
    unmeasured = Conditions.from_anndata(
        adata[:, adata.var_names != "KLF1"].copy(), rng=0, clamp_values="knockout", unmeasured="latent"
    )
    column = unmeasured.regulators.index("KLF1")
    np.testing.assert_array_equal(unmeasured.clamp_values[:, column], ["KLF1" in t for t in unmeasured.targets])


def test_observed_clamps_need_training_cells():
    adata = make()
    adata.obs["s"] = np.where(adata.obs["condition"] == "KLF1+AHR", "val", "train")
    with pytest.raises(InputError, match=r"clamp_values='observed' needs training cells.*'AHR\+KLF1' have none"):
        Conditions.from_anndata(adata, split_key="s", clamp_values="observed")
    c = Conditions.from_anndata(adata, split_key="s")
    at = c.names.index("AHR+KLF1")
    assert np.isnan(c.train_mean[at]).all()
    assert c.complete[at]
    assert (c.clamp_values[at] > 0).sum() == 2


STORAGE = ["dense", "csr", "csc", "csr_array", "csc_array", "layer", "view", "csr view", "csc view"]
BACKED = [
    "backed dense",
    "backed csr",
    "backed csc",
    "backed csc view",
    "lazy dense",
    "lazy csr",
    "lazy csc",
    "lazy view",
]


def stored(adata, kind, path):
    """The same screen in another kind of storage, and the layer to read."""
    layout = next((k for k in ("csr_array", "csc_array", "csr", "csc") if k in kind), None)
    n = adata.n_obs
    if "view" in kind:  # the wanted rows and genes, in the wanted order, inside something larger
        larger = make(seed=1)
        larger.obs_names = "other" + larger.obs_names
        adata = ad.concat([adata[:100], larger, adata[100:]])
    if layout is not None:
        adata = adata.copy()
        adata.X = getattr(sp, layout if "array" in layout else layout + "_matrix")(adata.X)
    if kind == "layer":
        return ad.AnnData(-adata.X, obs=adata.obs, var=adata.var, layers={"log": adata.X}), "log"
    if kind.startswith(("backed", "lazy")):
        adata.write_h5ad(path)
        adata = ad.read_h5ad(path, backed="r") if kind.startswith("backed") else ad.experimental.read_lazy(path)
    if "view" in kind:
        adata = adata[[*range(100), *range(100 + n, 2 * n)]]
        assert adata.is_view
    return adata, None


@pytest.mark.parametrize("kind", STORAGE + BACKED)
def test_every_storage_gives_the_same(kind, tmp_path):
    if kind.startswith("lazy"):
        pytest.importorskip("xarray", reason="read_lazy needs xarray")
    adata = make()
    expected = Conditions.from_anndata(adata, rng=0, n_bootstrap=2)
    other, layer = stored(adata, kind, tmp_path / "x.h5ad")
    found = Conditions.from_anndata(other, rng=0, n_bootstrap=2, layer=layer, chunk_size=16)
    assert_equal(
        found, Conditions(**{f.name: getattr(expected, f.name) for f in fields(Conditions)} | {"layer": layer}), 1e-12
    )
    if other.file is not None and other.isbacked:
        other.file.close()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_lower_precision_is_summed_in_float64(dtype):
    adata = make()
    adata.X = adata.X.astype(dtype)
    c = Conditions.from_anndata(adata, rng=0)
    assert c.train_mean.dtype == np.float64
    wide = ad.AnnData(adata.X.astype(np.float64), obs=adata.obs, var=adata.var)
    assert_equal(c, Conditions.from_anndata(wide, rng=0), 1e-12)


def test_bootstrap_means_are_those_of_all_cells_and_then_of_resampled_ones():
    adata = make()
    c = Conditions.from_anndata(adata, rng=5, n_bootstrap=3)
    assert c.train_mean.shape == (3, 8, 14)
    assert c.clamp_values.shape == (3, 8, 4)
    assert c.val_mean.shape == (8, 14)
    rng = np.random.default_rng(5)
    cells = assign(adata, rng=rng)
    X = np.asarray(adata.X)
    drawn_once = ((cells.roles == TRAIN) & (cells.codes >= 0)).astype(int)
    resampled = bootstrap_weights(cells.codes, cells.roles, 2, rng)
    assert (resampled != drawn_once).any(1).all()
    for b, weights in enumerate([drawn_once, *resampled]):
        drawn = np.repeat(np.arange(adata.n_obs), weights)
        means = pd.DataFrame(X[drawn]).groupby(cells.codes[drawn]).mean().to_numpy()
        np.testing.assert_allclose(c.train_mean[b], means, rtol=1e-12)
        at = [c.names.index(g) for g in c.regulators]
        held = np.diag(means[np.ix_(at, c.regulator_rows)])
        np.testing.assert_allclose(c.clamp_values[b], np.where(c.clamp_mask, held, 0), rtol=1e-12)
    # Neither the split nor the cells as they are depend on whether replicates are drawn.
    plain = Conditions.from_anndata(adata, rng=5)
    np.testing.assert_array_equal(c.val_mean, plain.val_mean)
    for values in (c.usual_mean, plain.usual_mean, c.train_mean[0]):
        np.testing.assert_array_equal(values, plain.train_mean)
    for values in (c.usual_values, plain.usual_values, c.clamp_values[0]):
        np.testing.assert_array_equal(values, plain.clamp_values)
    part = c.select(["KLF1"])
    np.testing.assert_array_equal(part.usual_values, plain.select(["KLF1"]).clamp_values)
    one = Conditions.from_anndata(adata, rng=5, n_bootstrap=1)
    np.testing.assert_array_equal(one.train_mean, plain.train_mean[None])


def test_same_rng_same_result(untouched_rng):
    adata = make()
    first = Conditions.from_anndata(adata, rng=1, n_bootstrap=2)
    assert_equal(first, Conditions.from_anndata(adata, rng=np.random.default_rng(1), n_bootstrap=2))
    other = Conditions.from_anndata(adata, rng=2, n_bootstrap=2)
    assert (first.val_mean != other.val_mean).any()


def test_latent_regulators():
    adata = make()[:, [0, 1, 5, 6, 7, 9]].copy()
    with pytest.raises(
        InputError, match="3 perturbed genes are not among the 6 measured ones: 'BRCA1/2', 'G3', 'HLA-A'"
    ):
        Conditions.from_anndata(adata)
    c = Conditions.from_anndata(adata, unmeasured="latent", rng=0)
    assert c.regulators == ("AHR", "BRCA1/2", "HLA-A", "KLF1")
    np.testing.assert_array_equal(c.regulator_rows, [0, -1, -1, 1])
    np.testing.assert_array_equal(c.latent, [False, True, True, False])
    assert c.clamp_mask[:, c.latent].all()
    for name, values in zip(c.names, c.clamp_values, strict=True):
        assert list(values[1:3]) == ["BRCA1/2" in name, "HLA-A" in name]
    assert not c.complete[c.names.index("AHR+G3")]
    with pytest.warns(InputWarning, match="unmeasured='drop': 4 conditions"):
        dropped = Conditions.from_anndata(adata, unmeasured="drop", rng=0)
    assert dropped.names == ("control", "AHR", "AHR+KLF1", "KLF1")
    kept = [c.names.index(n) for n in dropped.names]
    np.testing.assert_array_equal(dropped.train_mean, c.train_mean[kept])


def test_pseudobulk_has_no_validation():
    adata = make(len(LABELS))
    c = Conditions.from_anndata(adata)
    assert not c.val_n.any()
    assert np.isnan(c.val_mean).all()
    np.testing.assert_array_equal(c.train_n, 1)
    with pytest.raises(InputError, match="n_bootstrap=2 resamples cells"):
        Conditions.from_anndata(adata, n_bootstrap=2)


def test_select():
    c = Conditions.from_anndata(make(), rng=0, n_bootstrap=2)
    part = c.select(["KLF1+AHR", "HLA-A"])
    assert part.names == ("control", "AHR+KLF1", "HLA-A")
    assert part.regulators == c.regulators
    np.testing.assert_array_equal(part.train_mean, c.train_mean[:, [0, 4, 6]])
    np.testing.assert_array_equal(part.clamp_values, c.clamp_values[:, [0, 4, 6]])
    np.testing.assert_array_equal(part.val_n, c.val_n[[0, 4, 6]])
    assert c.select(c.combos).names == ("control", "AHR+BRCA1/2", "AHR+G3", "AHR+KLF1")
    assert c.select([]).names == ("control",)
    assert c.select("KLF1").names == ("control", "KLF1")
    with pytest.raises(InputError, match=r"which='KLF2' is not a condition. Did you mean 'KLF1'"):
        c.select(["KLF2"])
    with pytest.raises(InputError, match=r"which=mask of shape \(2,\) does not fit 8 conditions"):
        c.select(np.array([True, False]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"unmeasured": "latnt"}, r"unmeasured='latnt' is not known. Did you mean 'latent'"),
        ({"clamp_values": "x"}, "clamp_values='x' is not known"),
        ({"n_bootstrap": -1}, "n_bootstrap=-1 is negative"),
        ({"layer": "x"}, "layer='x' is not in adata.layers"),
        ({"perturbation_key": "batch"}, r"obs\['batch'\] has no control observations"),
        ({"control": "contrl"}, "'contrl'"),
        ({"mod": "rna"}, "mod='rna' was given"),
        ({"train_fraction": 0}, "train_fraction=0"),
        ({"split_key": "batch"}, "split_key='batch' says no split: it has the values 'x'"),
        ({"chunk_size": 0}, "chunk_size=0"),
    ],
)
def test_arguments_are_checked_and_the_data_unchanged(arguments, message, untouched_rng):
    adata = make()
    before = snapshot(adata)
    with pytest.raises(InputError, match=message):
        Conditions.from_anndata(adata, **arguments)
    assert snapshot(adata) == before


def test_counts_and_scaled_values_are_refused():
    adata = make()
    log = adata.X.copy()
    adata.X = np.rint(log * 10)
    adata.layers["log"] = log
    before = snapshot(adata)
    with pytest.raises(InputError, match=r"layer=None \(X\) holds whole numbers.*layer='log'; pass that"):
        Conditions.from_anndata(adata)
    adata.layers["scaled"] = log - 1
    with pytest.raises(InputError, match="layer='scaled' holds negative values"):
        Conditions.from_anndata(adata, layer="scaled")
    del adata.layers["scaled"]
    assert snapshot(adata) == before


def test_duplicate_observation_names_do_not_matter():
    adata = make()
    expected = Conditions.from_anndata(adata, rng=0)
    adata.obs_names = ["a"] * adata.n_obs
    assert_equal(Conditions.from_anndata(adata, rng=0), expected)


def test_mudata():
    adata = make()
    protein = ad.AnnData(np.ones((150, 1)), obs=pd.DataFrame(index=adata.obs_names), var=pd.DataFrame(index=["CD3"]))
    c = Conditions.from_anndata(mudata.MuData({"rna": adata, "adt": protein}), mod="rna", rng=0)
    assert c.mod == "rna"
    np.testing.assert_array_equal(c.train_mean, Conditions.from_anndata(adata, rng=0).train_mean)


class TestRealScreens:
    def test_norman_pseudobulk(self, shared_data):
        adata = ad.read_h5ad(shared_data / "norman2019_pseudobulk" / "norman2019_pseudobulk.h5ad")
        c = Conditions.from_anndata(adata, unmeasured="latent")
        assert (c.n_regulators, c.singles.sum(), c.combos.sum(), c.latent.sum()) == (104, 104, 64, 47)
        assert not c.val_n.any()
        row = list(adata.obs_names).index("control")
        np.testing.assert_allclose(c.train_mean[0], adata.X[row], rtol=1e-7)
        with pytest.raises(InputError, match="'lfc_log2' holds negative values"):
            Conditions.from_anndata(adata, unmeasured="latent", layer="lfc_log2")

    def test_perturbench_cells(self, shared_data):
        adata = ad.read_h5ad(shared_data / "perturbench_devel" / "devel.h5ad")
        c = Conditions.from_anndata(adata, unmeasured="latent", rng=0)
        assert (c.n_regulators, c.singles.sum(), c.combos.sum()) == (18, 18, 15)
        labels = adata.obs["condition"].astype(str).to_numpy()
        whole = (c.train_mean * c.train_n[:, None] + c.val_mean * c.val_n[:, None]) / (c.train_n + c.val_n)[:, None]
        for name in ("control", "KLF1", "KLF1+MAP2K6"):
            expected = np.asarray(adata.X[labels == name].mean(0)).ravel()
            np.testing.assert_allclose(whole[c.names.index(name)], expected, rtol=1e-10, atol=1e-12)

    def test_gears_labels_and_split(self, shared_data):
        adata = ad.read_h5ad(shared_data / "perturbench_devel" / "gears_style_subset.h5ad")
        c = Conditions.from_anndata(adata, unmeasured="latent", split_key="split")
        assert c.names[0] == "control"
        used = adata.obs["split"].isin(["train", "val"]).sum()
        assert c.train_n.sum() + c.val_n.sum() == used
        assert all("ctrl" not in name for name in c.names)
        with pytest.raises(InputError, match=r"layer='counts' holds whole numbers.*layer=None \(X\); pass that"):
            Conditions.from_anndata(adata, unmeasured="latent", layer="counts")

    def test_papalexi_counts_then_normalised(self, shared_data):
        adata = ad.read_h5ad(shared_data / "papalexi2021_eccite" / "papalexi2021_eccite_rna_299genes.h5ad")
        with pytest.raises(InputError, match=r"Call scclamp.pp.recipe\(adata\) first"):
            Conditions.from_anndata(adata, unmeasured="latent")
        scale = sp.diags_array(1e4 / adata.obs["n_counts"].to_numpy(np.float64))
        adata.X = sp.csr_matrix(scale @ adata.X).log1p()
        c = Conditions.from_anndata(adata, unmeasured="latent", rng=0)
        assert c.perturbation_key == "target"
        assert (c.n_regulators, (~c.latent).sum()) == (25, 9)
        assert c.train_n[0] + c.val_n[0] == 2386
