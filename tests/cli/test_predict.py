"""`scclamp predict` writes what `tl.predict_clamps` returns."""

import io
import itertools
import json

import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c

REQUESTS = ["REG02+REG01", "REG03=2.5+REG04=0"]


def test_a_file_holds_what_python_predicts(call, fitted, fitted_file, tmp_path):
    before = fitted_file.read_bytes()
    for suffix in ("h5ad", "zarr"):
        done = call("predict", fitted_file, "-o", tmp_path / f"out.{suffix}", *REQUESTS)
        assert (done.code, done.err) == (0, "")
        found, expected = sc_c.read(tmp_path / f"out.{suffix}"), sc_c.tl.predict_clamps(fitted, REQUESTS)
        assert list(found.obs_names) == list(expected.obs_names)
        for layer in ("predicted", "shift", "additive"):
            np.testing.assert_array_equal(found.layers[layer], expected.layers[layer])
    assert fitted_file.read_bytes() == before


def test_a_table_holds_the_same(call, fitted, fitted_file, tmp_path):
    done = call(
        "predict", fitted_file, *REQUESTS, "-o", tmp_path / "out.csv", "--genes", "GENE0002", "REG05", "--observed"
    )
    assert done.code == 0, done.err
    answer = sc_c.tl.predict_clamps(fitted, REQUESTS)
    expected = sc_c.get.predictions(answer, genes=["GENE0002", "REG05"], observed=fitted)
    found = pd.read_csv(tmp_path / "out.csv")
    changes = found[["additive_shift", "departure"]]
    found = found.drop(columns=changes.columns)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_categorical=False, rtol=1e-6)
    control = found["predicted"] - found["shift"]
    np.testing.assert_allclose(changes["additive_shift"], found["additive"] - control, atol=1e-6)


def test_the_departure_leaves_the_law_of_crowding_out(call, fitted, fitted_file, tmp_path):
    """With the network's trust in interactions, the departure is that of the steady state times that trust."""
    call("predict", fitted_file, "REG01+REG05", "-o", tmp_path / "law.csv")
    call("predict", fitted_file, "REG01+REG05", "-o", tmp_path / "free.csv", "--steady-state")
    law, free = (pd.read_csv(tmp_path / f"{name}.csv").set_index("gene") for name in ("law", "free"))
    held = ["REG01", "REG05"]
    assert law["departure"].isna().sum() == 2
    assert law.loc[held, "departure"].isna().all()
    trust = sc_c.fitting.FitConfig().interaction
    np.testing.assert_allclose(law["departure"], trust * free["departure"], atol=2e-6)
    others = free.drop(held)
    np.testing.assert_allclose(others["departure"], others["shift"] - others["additive_shift"], atol=2e-6)


@pytest.mark.parametrize("by", ["interaction", "effect"])
def test_pairs_are_ranked_and_those_that_were_measured_left_out(call, fitted, fitted_file, by, tmp_path):
    options = ("--pairs", "--rank", by, "--keep", 3, "-o", tmp_path / "next.csv")
    done = call("predict", fitted_file, *options)
    assert done.code == 0, done.err
    named = list(dict.fromkeys(pd.read_csv(tmp_path / "next.csv")["condition"]))
    pairs = list(itertools.combinations(fitted.uns["clamp"]["regulators"], 2))
    measured = set(fitted.obs["perturbation"].astype(str))
    how = {"interaction": "steady_state", "effect": "calibrated"}[by]
    answer = sc_c.tl.predict_clamps(
        fitted, ["+".join(p) for p in pairs if "+".join(p) not in measured], combination=how
    )
    values = answer.to_df("shift")
    if by == "interaction":
        values -= answer.to_df("additive") - answer.var["control"]
    lengths = {name: np.linalg.norm(row.drop(name.split("+"))) for name, row in values.iterrows()}
    assert named == sorted(lengths, key=lengths.get, reverse=True)[:3]
    assert f"without {len(pairs) - len(lengths)} that were measured" in done.out
    call("predict", fitted_file, "--pairs", "--rank", by, "--measured", "-o", tmp_path / "all.h5ad")
    assert len(sc_c.read(tmp_path / "all.h5ad")) == len(pairs)


def test_a_table_is_no_list_of_conditions(call, fitted_file, tmp_path):
    call("predict", fitted_file, "REG01", "-o", tmp_path / "out.csv")
    done = call("predict", fitted_file, "--file", tmp_path / "out.csv")
    assert (done.code, "is a table" in done.err, "one condition on each line" in done.err) == (1, True, True)


def test_options_reach_the_prediction(call, fitted, fitted_file, tmp_path):
    options = ("--steady-state", "--clamp-values", "observed")
    call("predict", fitted_file, "REG01+REG05", "-o", tmp_path / "out.h5ad", *options)
    expected = sc_c.tl.predict_clamps(fitted, ["REG01+REG05"], combination="steady_state", clamp_values="observed")
    np.testing.assert_array_equal(sc_c.read(tmp_path / "out.h5ad").layers["shift"], expected.layers["shift"])


def test_all_pairs_and_triples(call, fitted, fitted_file, tmp_path):
    call("predict", fitted_file, "--pairs", "--triples", "--measured", "-o", tmp_path / "out.h5ad")
    regulators = list(fitted.uns["clamp"]["regulators"])
    expected = ["+".join(genes) for size in (2, 3) for genes in itertools.combinations(regulators, size)]
    assert list(sc_c.read(tmp_path / "out.h5ad").obs_names) == expected


@pytest.mark.parametrize("through_pipe", [False, True])
def test_a_list_of_conditions(call, fitted_file, monkeypatch, through_pipe, tmp_path):
    text = "REG01+REG02\n# the rest\n\nREG03\n"
    (tmp_path / "list.txt").write_text(text)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    done = call("predict", fitted_file, "REG04", "--file", "-" if through_pipe else tmp_path / "list.txt", "--json")
    assert [each["condition"] for each in json.loads(done.out)["conditions"]] == ["REG04", "REG01+REG02", "REG03"]


def test_without_an_output_the_largest_shifts_are_printed(call, fitted, fitted_file):
    done = call("predict", fitted_file, "REG01", "--top", 2)
    shift = sc_c.tl.predict_clamps(fitted, ["REG01"]).to_df("shift").iloc[0].drop("REG01")
    largest = shift[shift.abs().sort_values(ascending=False).index[:2]]
    expected = ", ".join(f"{gene} {value:+.2f}" for gene, value in largest.items())
    assert done.out.splitlines()[-1] == f"  REG01  {expected}"
    assert "Wrote" not in done.out


def test_what_is_repeated_is_a_warning(call, fitted_file):
    done = call("predict", fitted_file, "REG01+REG02", "REG02+REG01")
    assert done.code == 0
    assert done.err.startswith("warning: ")
    assert "repeats an earlier one" in done.err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "name conditions such as KLF1+BAK1"),
        (["A", "--genes", "B"], "--genes is about the table"),
        (["A", "--keep", "3"], "--keep is about --rank"),
        (["A", "--measured"], "--measured is about --pairs"),
        (["A", "--observed", "-o", "x.h5ad"], "--observed is about the table"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(call, fitted_file, argv, message):
    done = call("predict", fitted_file, *argv)
    assert (done.code, done.out, message in done.err) == (2, "", True)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["REG01+REG99"], "error: 'REG01+REG99': 'REG99' is no gene of the fit"),
        (["REG01=lots"], "REG01"),
        (["REG01", "--key", "other"], "error: 'other' is no fit of the file. Fits found: 'clamp'"),
        (["REG01", "-o", "x.xlsx"], ".h5ad, .zarr, .csv or .tsv"),
        (["REG01", "-o", "x.csv", "--genes", "GENE9999"], "--genes: 'GENE9999' is not there"),
        (["--file", "absent.txt"], "'absent.txt' cannot be read"),
        (["--pairs", "-o", "x.csv", "--max-memory", "1e-6"], "--max-memory"),
    ],
)
def test_errors_leave_nothing_behind(call, fitted_file, monkeypatch, argv, message, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = call("predict", fitted_file, *argv)
    assert (done.code, done.out) == (1, "")
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.csv", "out.h5ad"])
def test_an_output_that_exists_stays(call, fitted_file, name, monkeypatch, tmp_path):
    output = tmp_path / name
    output.write_text("precious")
    assert call("predict", fitted_file, "REG01", "-o", output).code == 1
    assert call("predict", fitted_file, "REG99", "-o", output, "--force").code == 1
    assert call("predict", fitted_file, "REG01", "-o", fitted_file, "--force").code == 1

    def fill_the_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scclamp._atomic._flush", fill_the_disk)
    done = call("predict", fitted_file, "REG01", "-o", output, "--force")
    assert (done.code, "No space left" in done.err, done.out) == (1, True, "")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert output.read_text() == "precious"


def test_a_screen_without_a_fit(call, screen_file):
    done = call("predict", screen_file, "REG01")
    assert (done.code, done.err.endswith("Run `scclamp fit` first, or give its --key.\n")) == (1, True)


def test_too_few_regulators_for_pairs(call, tmp_path):
    adata = sc_c.datasets.simulated("tiny", combinations=["REG01+REG02"])
    one = adata[adata.obs["perturbation"].isin(["control", "REG01"])].copy()
    sc_c.tl.fit(one, max_epochs=2)
    sc_c.write(one, tmp_path / "one.h5ad")
    done = call("predict", tmp_path / "one.h5ad", "--pairs")
    assert (done.code, "1 regulators, too few for --pairs" in done.err) == (1, True)


def test_a_gene_that_was_dropped_is_named_as_such(call, screen_file, tmp_path):
    screen = sc_c.read(screen_file)
    sc_c.write(screen[:, screen.var_names != "REG03"].copy(), tmp_path / "screen.h5ad")
    call("fit", tmp_path / "screen.h5ad", "-o", tmp_path / "fitted.h5ad", "--unmeasured", "drop", "--epochs", 2)
    done = call("predict", tmp_path / "fitted.h5ad", "REG01+REG03")
    assert done.code == 1
    assert "'REG03' was perturbed in the screen, but the panel does not measure it" in done.err
    assert "Fit with --unmeasured latent" in done.err
