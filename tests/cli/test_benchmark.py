"""`scclamp benchmark` says and writes what `tl.benchmark` returns."""

import json

import pandas as pd
import pytest

import scclamp as sc_c

QUICK = ("--predictors", "linear_pca")
NOT_TIME = slice(None, "strongest_null")


@pytest.fixture(scope="module")
def singles_file(tmp_path_factory):
    screen = sc_c.datasets.simulated("tiny")
    singles = screen[~screen.obs["perturbation"].astype(str).str.contains("+", regex=False)].copy()
    path = tmp_path_factory.mktemp("singles") / "singles.h5ad"
    sc_c.write(singles, path)
    return path


def test_the_table_is_that_of_the_python_call(call, screen_file, tmp_path):
    done = call("benchmark", screen_file, "-o", tmp_path / "scores.csv", *QUICK, "--seed", 3)
    assert (done.code, done.err) == (0, "")
    expected = sc_c.tl.benchmark(sc_c.datasets.simulated("tiny"), "linear_pca", splits="additive", seeds=3)
    found = pd.read_csv(tmp_path / "scores.csv", keep_default_na=False, na_values=[""])
    pd.testing.assert_frame_equal(found.loc[:, NOT_TIME], expected.loc[:, NOT_TIME], check_dtype=False)
    assert "Split additive (combinations were held out): 6 targets, combo seen2" in done.out
    skill = expected.set_index("predictor").loc["linear_pca", "skill"]
    assert "  linear pca" in done.out
    assert f"{skill:.3f} [" in done.out
    assert done.out.endswith(f"Wrote {tmp_path / 'scores.csv'}\n")


def test_knock_outs_are_held_at_zero(call, screen_file, tmp_path):
    done = call(
        "benchmark", screen_file, "--predictors", "clamp", "--clamp-values", "knockout", "-o", tmp_path / "a.csv"
    )
    assert (done.code, done.err) == (0, "")
    found = pd.read_csv(tmp_path / "a.csv").set_index("predictor").loc["clamp", "skill"]
    adata = sc_c.datasets.simulated("tiny")
    expected = sc_c.tl.benchmark(adata, "clamp", clamp_values="knockout").set_index("predictor").loc["clamp", "skill"]
    assert found == pytest.approx(expected)


def test_a_screen_of_singles_is_judged(call, singles_file):
    done = call("benchmark", singles_file, *QUICK)
    assert (done.code, done.err) == (0, "")
    assert "No combinations were measured: predictions of single perturbations are judged." in done.out
    assert "Split cells (other cells of the same perturbations): 8 targets" in done.out
    assert "Split low_sample (5 cells of each of these perturbations train, and all cells of the others" in done.out


def test_targets_and_json(call, singles_file, tmp_path):
    asked = ("--splits", "cells", "--per-target", "-o", tmp_path / "targets.tsv", "--json")
    done = call("benchmark", singles_file, *QUICK, *asked)
    record = json.loads(done.out)
    assert (record["splits"], record["warnings"]) == (["cells"], [])
    assert {row["n_targets"] for row in record["scores"]} == {8}
    rows = pd.read_csv(tmp_path / "targets.tsv", sep="\t")
    assert rows.groupby("predictor")["target"].nunique().eq(8).all()
    mean = rows[rows["predictor"] == "linear_pca"]["mse"].mean()
    assert mean == pytest.approx(next(row["mse"] for row in record["scores"] if row["predictor"] == "linear_pca"))


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (
            ["--splits", "aditive"],
            1,
            "--splits: 'aditive' is neither a column of obs nor a kind of pp.split. Did you mean",
        ),
        (["--predictors", "clmp"], 1, "'clmp' is no predictor. Did you mean 'clamp'?"),
        (["-o", "x.h5ad"], 1, ".csv or .tsv"),
        (["--per-target"], 2, "--per-target is about the table of --output"),
        (["--layer", "counts"], 1, "seem to be in X"),
        (["--device", "gpu"], 1, "gpu"),
    ],
)
def test_errors_leave_nothing_behind(call, screen_file, monkeypatch, argv, code, message, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = call("benchmark", screen_file, *argv)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_settings_of_a_fit_are_taken_over(call, tmp_path):
    screen = sc_c.datasets.simulated("tiny")
    adata = screen[:, screen.var_names != "REG03"].copy()
    sc_c.tl.fit(adata, unmeasured="latent", clamp_values="knockout", max_epochs=2)
    sc_c.write(adata, tmp_path / "fitted.h5ad")
    done = call("benchmark", tmp_path / "fitted.h5ad", *QUICK)
    assert done.code == 0, done.err
    assert "  as in the fit of the file: --unmeasured latent --clamp-values knockout\n" in done.out
    record = json.loads(call("benchmark", tmp_path / "fitted.h5ad", *QUICK, "--clamp-values", "singles", "--json").out)
    assert (record["unmeasured"], record["clamp_values"]) == ("latent", "singles")
