"""`scclamp evaluate` says and writes what `tl.evaluate` does."""

import json

import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c

QUICK = ("--bootstrap", 50, "--no-refit")


@pytest.fixture(scope="module")
def judged(fitted):
    adata = fitted.copy()
    sc_c.tl.evaluate(adata, n_bootstrap=50, refit=False)
    return adata.uns["clamp_evaluation"]


def test_the_verdict_is_printed(call, fitted_file, judged):
    done = call("evaluate", fitted_file, *QUICK)
    assert "(combination='steady_state', or --steady-state)" in judged["report"]
    assert done == (0, f"{judged['report']}\n", "")


def test_tables(call, fitted_file, judged, tmp_path):
    done = call("evaluate", fitted_file, *QUICK, "-o", tmp_path / "scores.csv")
    assert done.out.endswith(f"\n\nWrote {tmp_path / 'scores.csv'}\n")
    found = pd.read_csv(tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(found, judged["scores"], check_dtype=False)


def test_json(call, fitted_file, judged, tmp_path):
    done = call("evaluate", fitted_file, *QUICK, "-o", tmp_path / "all.json", "--json")
    record = json.loads(done.out)
    assert record == json.loads((tmp_path / "all.json").read_text())
    assert record["report"] == judged["report"]
    params = {**judged["params"], "left_out": judged["params"]["left_out"].tolist()}
    assert record["params"] == params
    pd.testing.assert_frame_equal(pd.DataFrame(record["scores"]), judged["scores"], check_dtype=False)
    assert len(record["pairs"]) == len(judged["pairs"])


def test_the_verdict_may_be_kept_with_the_screen(call, fitted_file, judged, tmp_path):
    assert call("evaluate", fitted_file, *QUICK, "-o", tmp_path / "judged.h5ad").code == 0
    found = sc_c.read(tmp_path / "judged.h5ad")
    assert found.uns["clamp_evaluation"]["report"] == judged["report"]


def test_options_reach_the_verdict(call, fitted_file, fitted):
    adata = fitted.copy()
    adata.obs["kind"] = np.where(adata.obs["perturbation"].astype(str).str.contains("REG01"), "first", "other")
    names = ["REG01+REG05", "REG01+REG08"]
    sc_c.tl.evaluate(adata, conditions=names, combination="steady_state", n_bootstrap=20, rng=7, refit=False)
    done = call(
        "evaluate", fitted_file, "--only", *names, "--steady-state", "--bootstrap", 20, "--seed", 7, "--no-refit"
    )
    assert done.out == f"{adata.uns['clamp_evaluation']['report']}\n"


def test_groups(call, fitted, tmp_path):
    adata = fitted.copy()
    adata.obs["kind"] = np.where(adata.obs["perturbation"].astype(str).str.contains("REG01"), "first", "other")
    sc_c.write(adata, tmp_path / "fitted.h5ad")
    done = call("evaluate", tmp_path / "fitted.h5ad", *QUICK, "--categories", "kind")
    assert "The network in each group of combinations" in done.out
    done = call("evaluate", tmp_path / "fitted.h5ad", *QUICK, "--categories", "knd")
    assert (done.code, "--categories knd is not a column of obs. Did you mean 'kind'?" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--only", "REG01+REG99"], "REG99"),
        (["--key", "other"], "'other' is no fit of the file"),
        (["-o", "x.html"], ".csv, .tsv, .json, .h5ad, .h5mu or .zarr"),
        (["-o", "x.h5mu"], ".h5ad or .zarr"),
        (["--screen", "absent.h5ad"], "'absent.h5ad' does not exist"),
    ],
)
def test_errors_leave_nothing_behind(call, fitted_file, monkeypatch, argv, message, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = call("evaluate", fitted_file, *QUICK, *argv)
    assert (done.code, done.out) == (1, "")
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_exists_stays(call, fitted_file, tmp_path):
    output = tmp_path / "scores.csv"
    output.write_text("precious")
    assert call("evaluate", fitted_file, *QUICK, "-o", output).code == 1
    assert call("evaluate", fitted_file, *QUICK, "-o", output, "--force", "--only", "REG99").code == 1
    assert output.read_text() == "precious"
    done = call("evaluate", fitted_file, *QUICK, "-o", fitted_file, "--force")
    assert (done.code, "never replaced" in done.err) == (1, True)


def test_a_screen_of_singles_is_told_what_to_do(call, fitted, tmp_path):
    singles = fitted[~fitted.obs["perturbation"].astype(str).str.contains("+", regex=False)].copy()
    sc_c.write(singles, tmp_path / "singles.h5ad")
    done = call("evaluate", tmp_path / "singles.h5ad")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("scclamp evaluate: error: No combinations were measured")
    assert "as --screen" in done.err
    assert "`scclamp benchmark --splits low_sample`" in done.err


def test_a_combination_that_cannot_be_judged_names_the_option(call, fitted_file):
    done = call("evaluate", fitted_file, "--only", "REG01+REG99")
    assert (done.code, "error: --only: 'REG01+REG99' cannot be judged" in done.err) == (1, True)
    assert "Leave --only out" in done.err
