"""`scclamp datasets` writes what the functions return, and names all of them."""

import json

import anndata as ad
import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import StorageError
from scclamp.cli._published import SCREENS


@pytest.mark.parametrize("argv", [["datasets"], ["datasets", "list"]])
def test_the_list(call, argv):
    done = call(*argv)
    assert (done.code, done.err) == (0, "")
    assert "  norman_2019         scperturb (0.7 GB), gears\n" in done.out
    assert "norman_2019: CRISPR activation of 105 genes" in done.out
    record = json.loads(call(*argv, "--json").out)
    assert [each["name"] for each in record["screens"]] == list(SCREENS)
    assert all(each["about"].endswith(".") and each["sources"] for each in record["screens"])


def test_a_simulated_screen(call, tmp_path):
    path = tmp_path / "screen.h5ad"
    done = call(
        "datasets",
        "simulate",
        "tiny",
        "-o",
        path,
        "--seed",
        5,
        "--set",
        "n_cells_per_condition=4",
        "--set",
        "mode=CRISPRi",
    )
    assert (done.code, done.err) == (0, "")
    expected = sc_c.datasets.simulated("tiny", n_cells_per_condition=4, mode="CRISPRi", rng=5)
    found = sc_c.read(path)
    np.testing.assert_array_equal(found.X.toarray(), expected.X.toarray())
    assert list(found.obs_names) == list(expected.obs_names)
    assert done.out.endswith(f"Next: scclamp fit {path} -o fitted.h5ad\n")
    assert json.loads(call("datasets", "simulate", "tiny", "-o", path, "--force", "--json").out)["n_cells"] == 340


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["simulate", "tinny", "-o", "x.h5ad"], 2, "invalid choice: 'tinny'"),
        (["simulate", "tiny"], 2, "required: -o/--output"),
        (["simulate", "tiny", "-o", "x.csv"], 1, ".h5ad or .zarr"),
        (["simulate", "tiny", "-o", "x.h5ad", "--set", "n_genes=abc"], 1, "--set n_genes=abc is not a whole number"),
        (["simulate", "tiny", "-o", "x.h5ad", "--set", "n_gene=3"], 1, "Did you mean 'n_genes'?"),
        (["simulate", "tiny", "-o", "x.h5ad", "--set", "rng=3"], 1, "'rng' is no setting"),
        (["fetch", "norman", "-o", "x.h5ad"], 2, "invalid choice: 'norman'"),
        (["fetch", "norman_2019", "-o", "x.h5ad", "--source", "elsewhere"], 1, "--source elsewhere is not known"),
        (["fetch", "norman_2019", "-o", "x.h5ad", "--path", "none.h5ad"], 1, "--path none.h5ad is no file"),
        (["remove"], 2, "invalid choice: 'remove'"),
    ],
)
def test_errors(call, monkeypatch, argv, code, message, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = call("datasets", *argv)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_fails_leaves_what_was_there(call, monkeypatch, tmp_path):
    def be_offline(*_):
        raise StorageError("there is no connection")

    monkeypatch.setattr("scclamp.datasets._load.fetch", be_offline)
    path = tmp_path / "screen.h5ad"
    path.write_text("precious")
    done = call("datasets", "fetch", "papalexi_2021", "-o", path, "--force")
    assert (done.code, done.err) == (1, "scclamp datasets fetch: error: There is no connection\n")
    assert path.read_text() == "precious"


def test_a_copy_is_read_and_never_replaced(call, tmp_path):
    genes = ["AHR", "KLF1", "FEV", "GAPDH"]
    copy = ad.AnnData(np.eye(4, dtype=np.float32) * 3)
    copy.var_names = genes
    copy.obs["perturbation"] = ["control", "KLF1", "AHR_FEV", "control"]
    sc_c.write(copy, tmp_path / "copy.h5ad")
    fetch = ("datasets", "fetch", "norman_2019", "--path", tmp_path / "copy.h5ad")
    done = call(*fetch, "-o", tmp_path / "copy.h5ad", "--force")
    assert (done.code, "never replaced" in done.err) == (1, True)
    done = call(*fetch, "-o", tmp_path / "norman.zarr")
    assert done.code == 0, done.err
    assert list(sc_c.read(tmp_path / "norman.zarr").obs["perturbation"]) == ["control", "KLF1", "AHR+FEV", "control"]
    assert " --recipe -o fitted.h5ad" in done.out
