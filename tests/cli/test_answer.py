"""How every command ends: one record for programs, lines for people, and the file that was asked for."""

import json
from argparse import Namespace

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp.cli._answer import finish, write_output

RECORD = {"fitted": "f.h5ad", "skill": float("nan")}
TABLE = pd.DataFrame({"gene": ["A"], "score": [0.5]})


def options(**other):
    return Namespace(**({"name": "datasets fetch", "json": False, "output": None, "heard": ["mind this"]} | other))


@pytest.mark.parametrize(
    ("output", "wrote", "expected"),
    [
        (None, None, "one\ntwo\n"),
        ("o.csv", None, "one\ntwo\nWrote o.csv\n"),
        ("o.csv", ["o.csv", "p.csv"], "one\ntwo\nWrote o.csv\nWrote p.csv\n"),
        ("o.csv", (), "one\ntwo\n"),
    ],
)
def test_people_read_lines_and_what_was_written(capsys, output, wrote, expected):
    finish(options(output=output), RECORD, "one", "two", wrote=wrote)
    assert capsys.readouterr().out == expected


def test_programs_read_the_record_alone(capsys):
    finish(options(json=True, output="o.csv"), RECORD, "one")
    found = json.loads(capsys.readouterr().out)
    assert found == {"command": "datasets fetch", "fitted": "f.h5ad", "skill": None, "warnings": ["mind this"]}
    assert RECORD.keys() == {"fitted", "skill"}


def test_the_suffix_chooses_what_is_written(tmp_path):
    adata = ad.AnnData(np.ones((2, 1), np.float32), var=pd.DataFrame(index=["A"]))
    paths = {suffix: tmp_path / f"out.{suffix}" for suffix in ("tsv", "json", "h5ad")}
    for path in paths.values():
        write_output(options(output=str(path)), adata, TABLE, RECORD)
    assert paths["tsv"].read_text() == "gene\tscore\nA\t0.5\n"
    assert json.loads(paths["json"].read_text()) == {
        "command": "datasets fetch",
        "fitted": "f.h5ad",
        "skill": None,
        "warnings": ["mind this"],
    }
    np.testing.assert_array_equal(ad.read_h5ad(paths["h5ad"]).X, adata.X)


def test_nothing_is_written_that_was_not_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_output(options(), None, TABLE, RECORD)
    assert list(tmp_path.iterdir()) == []
