"""`scclamp edges` shows what `get.adjacency` lists."""

import json

import pandas as pd
import pytest

import scclamp as sc_c
from scclamp.cli._edges import to_text


def test_a_table_has_the_edges_that_are_asked_for(call, fitted, fitted_file, tmp_path):
    chosen = ("--regulators", "REG04", "REG01", "--targets", "GENE0001", "REG02", "REG04")
    done = call("edges", fitted_file, *chosen, "-o", tmp_path / "table.csv")
    assert (done.code, done.err) == (0, "")
    expected = sc_c.get.adjacency(fitted, regulators=["REG04", "REG01"], targets=["GENE0001", "REG02", "REG04"])
    found = pd.read_csv(tmp_path / "table.csv")
    pd.testing.assert_frame_equal(found, expected.assign(latent=False), check_dtype=False)
    assert len(found) == 5
    assert done.out.startswith("5 edges (+ activates, - represses)\n")
    assert done.out.endswith(f"Wrote {tmp_path / 'table.csv'}\n")


def test_the_strongest_are_printed(call, fitted, fitted_file):
    done = call("edges", fitted_file, "--regulators", "REG04", "--top", 3)
    head, _, *rows = done.out.splitlines()
    assert head.startswith("The 3 strongest of 59 edges")
    edges = sc_c.get.top_targets(fitted, "REG04", n=3)
    assert [row.split() for row in rows] == [["REG04", e.target, f"{e.weight:+.2f}"] for e in edges.itertuples()]
    record = json.loads(call("edges", fitted_file, "--regulators", "REG04", "--top", 3, "--json").out)
    assert ([e["target"] for e in record["edges"]], record["n_edges"]) == (list(edges["target"]), 59)


def test_what_was_not_measured_neither_activates_nor_represses():
    edges = pd.DataFrame(
        {"regulator": ["A", "B"], "target": ["X", "X"], "weight": [-0.7, 0.6], "latent": [True, False]}
    )
    lines = to_text(edges, 5).splitlines()
    assert lines[2] == "  A          X       -0.70   not measured: what its perturbation does"
    assert lines[3] == "  B          X       +0.60"
    assert "represses" not in to_text(edges.head(1), 5)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--regulators", "REG4"], "--regulators: 'REG4' is not there. Did you mean 'REG04'"),
        (["--targets", "GENE9"], "--targets: 'GENE9' is not there"),
        (["--min-weight", "-1"], "--min-weight -1.0 must be 0 or above"),
        (["-o", "x.h5ad"], "End it in .csv or .tsv"),
    ],
)
def test_errors(call, fitted_file, argv, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = call("edges", fitted_file, *argv)
    assert (done.code, done.out, message in done.err) == (1, "", True), done.err
