"""A fit judges the cells of another file."""

import anndata as ad
import numpy as np
import pytest

import scclamp as sc_c
from scclamp._storage import decode

QUICK = ("--bootstrap", 20, "--no-refit")


@pytest.fixture
def other():
    """The same screen as another lab keeps it: other labels, and genes that were not fitted, in another order."""
    adata = sc_c.datasets.simulated("tiny")
    wide = adata[:, ::-1].copy()
    wide.var_names = wide.var_names.astype(str)
    labels = wide.obs.pop("perturbation").astype(str)
    wide.obs["condition"] = labels.replace({"control": "ctrl", "REG01": "REG01+ctrl"})
    return wide


@pytest.fixture
def singles_file(fitted, tmp_path):
    """The fit, with cells of singles only."""
    singles = fitted[~fitted.obs["perturbation"].astype(str).str.contains("+", regex=False)].copy()
    sc_c.write(singles, tmp_path / "singles.h5ad")
    return tmp_path / "singles.h5ad"


def test_the_verdict_is_that_of_the_screen_itself(call, fitted, singles_file, other, tmp_path):
    sc_c.write(other, tmp_path / "other.h5ad")
    done = call("evaluate", singles_file, "--screen", tmp_path / "other.h5ad", *QUICK)
    assert done.code == 0, done.err
    adata = fitted.copy()
    sc_c.tl.evaluate(adata, n_bootstrap=20, refit=False)
    assert done.out == f"{adata.uns['clamp_evaluation']['report']}\n"


def test_what_is_kept_is_the_other_screen_with_the_fit(call, fitted, singles_file, other, tmp_path):
    extra = other[:, :2].copy()
    extra.var_names = ["EXTRA1", "EXTRA2"]
    wide = ad.concat([other, extra], axis=1, merge="same")
    assert wide.n_vars == 62
    sc_c.write(wide, tmp_path / "other.h5ad")
    arguments = ("--screen", tmp_path / "other.h5ad", "-o", tmp_path / "judged.h5ad")
    assert call("evaluate", singles_file, *arguments, *QUICK).code == 0
    found = sc_c.read(tmp_path / "judged.h5ad")
    assert list(found.var_names) == list(fitted.var_names)
    assert found.n_obs == other.n_obs
    np.testing.assert_array_equal(found.varm["clamp_A"], fitted.varm["clamp_A"])
    assert decode(found).digests == decode(fitted).digests


def test_genes_that_are_missing_are_named(call, singles_file, other, tmp_path):
    sc_c.write(other[:, other.var_names != "GENE0004"].copy(), tmp_path / "other.h5ad")
    done = call("evaluate", singles_file, "--screen", tmp_path / "other.h5ad", *QUICK)
    assert (done.code, "lacks 1 of the 60 genes of the fit: 'GENE0004'" in done.err) == (1, True)


@pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment|inplace keyword)")
def test_either_may_be_a_mudata(call, fitted, singles_file, other, tmp_path):
    mudata = pytest.importorskip("mudata")
    sc_c.write(mudata.MuData({"rna": other}), tmp_path / "other.h5mu")
    done = call("evaluate", singles_file, "--screen", tmp_path / "other.h5mu", "--mod", "rna", *QUICK)
    assert (done.code, done.out.startswith("Verdict on 6 combinations")) == (0, True), done.err
