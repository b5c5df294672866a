"""`scclamp enrich` says and writes what `tl.enrich` does."""

import json

import pandas as pd
import pytest

import scclamp as sc_c


@pytest.fixture(scope="module")
def sets(fitted):
    truth = fitted.varm["true_A"]
    return {f"module {j}": list(fitted.var_names[truth[:, j] != 0]) for j in range(4)}


@pytest.fixture(scope="module")
def library(sets, tmp_path_factory):
    path = tmp_path_factory.mktemp("sets") / "sets.gmt"
    path.write_text("".join(f"{name}\t\t" + "\t".join(genes) + "\n" for name, genes in sets.items()))
    return f"mine={path}"


QUICK = ("--targets", 10, "--min-size", 3)


@pytest.fixture(scope="module")
def tests_of(fitted, sets):
    found = sc_c.tl.enrich(fitted, {"mine": sets}, n_top=10, min_size=3, copy=True)
    return found.uns["clamp_enrichment"]


def test_the_table_is_that_of_the_python_call(call, fitted_file, library, tests_of, tmp_path):
    done = call("enrich", fitted_file, "--library", library, *QUICK, "-o", tmp_path / "tests.csv", "--top", 2)
    assert (done.code, done.err) == (0, "")
    found = pd.read_csv(tmp_path / "tests.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(found, tests_of, check_dtype=False)
    first = tests_of.sort_values("p", kind="stable").iloc[0]
    lines = done.out.splitlines()
    assert lines[0].startswith(f"{len(tests_of)} tests of 8 regulators, ")
    assert lines[2].split()[:4] == [first["regulator"], "mine", *first["term"].split()]
    assert len(lines) == 5


def test_json_and_data_hold_all(call, fitted_file, library, tests_of, tmp_path):
    done = call("enrich", fitted_file, "--library", library, *QUICK, "-o", tmp_path / "all.json", "--json")
    record = json.loads(done.out)
    assert record == json.loads((tmp_path / "all.json").read_text())
    assert [row["term"] for row in record["tests"]] == list(tests_of["term"])
    assert call("enrich", fitted_file, "--library", library, *QUICK, "-o", tmp_path / "all.h5ad").code == 0
    stored = sc_c.read(tmp_path / "all.h5ad").uns["clamp_enrichment"]
    assert list(stored["term"]) == list(tests_of["term"])


def test_options_reach_the_tests(call, fitted, fitted_file, sets, library):
    asked = {"regulators": ["REG02"], "n_top": 6, "min_size": 3, "sign": "positive", "effect": "gain"}
    expected = sc_c.tl.enrich(fitted, {"mine": sets}, **asked, copy=True).uns["clamp_enrichment"]
    words = ("--regulators", "REG02", "--targets", 6, "--min-size", 3, "--sign", "positive", "--effect", "gain")
    record = json.loads(call("enrich", fitted_file, "--library", library, *words, "--json").out)
    assert [row["genes"] for row in record["tests"]] == list(expected["genes"])


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--library", "ChEA"], "--library ChEA is not known"),
        (["--regulators", "REG99"], "--regulators: 'REG99' is not there"),
        (["--targets", "60"], "--targets 60 must be below the 60 genes"),
        (["--min-size", "50"], "Use --min-size "),
        (["-o", "x.html"], ".csv, .tsv, .json, .h5ad, .h5mu or .zarr"),
        (["--key", "other"], "'other' is no fit of the file"),
    ],
)
def test_errors_leave_nothing_behind(call, fitted_file, library, monkeypatch, argv, message, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = call("enrich", fitted_file, "--library", library, *argv)
    assert (done.code, done.out) == (1, "")
    assert message in done.err
    assert list(tmp_path.iterdir()) == []
