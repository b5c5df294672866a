"""Folders in BEELINE's layout, written here, and the real one."""

import gzip
import hashlib
import warnings

import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError, StorageError
from scclamp.datasets import beeline


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "human-tfs.csv").write_text("TF,Sources\nNAN,TRRUST\nB,RegNetwork|TRRUST\nB,again\n")
    (tmp_path / "mouse-tfs.csv").write_text("TF,Sources\nM,TRRUST\n")
    for cell_type in ("hESC", "mDC"):
        (tmp_path / cell_type).mkdir()
    (tmp_path / "hESC" / "STRING.network.csv").write_text("Gene1,Gene2\nNAN,A\nB,A\nB,A\n")
    (tmp_path / "hESC" / "Non-Specific.network.csv.gz").write_bytes(gzip.compress(b"Gene1,Gene2\nA,C\n"))
    (tmp_path / "mDC" / "Specific.network.csv").write_text("Gene1,Gene2,Score\nM,A,171\nM,N,2.5\n")
    (tmp_path / "mDC" / "ExpressionData.csv").write_text(",c1,c2\nA,0.5,0\nNAN,1,2\nM,0,3\n")
    return tmp_path


def test_edges_and_factors(folder):
    found = beeline("hESC", path=folder)
    assert found.edges.to_dict("list") == {"source": ["NAN", "B"], "target": ["A", "A"]}
    assert found.factors == ("NAN", "B")
    assert (found.genes, found.species, found.network) == (("A", "B", "NAN"), "human", "STRING")
    assert found.expression is None
    digest = hashlib.sha256((folder / "hESC" / "STRING.network.csv").read_bytes()).hexdigest()
    assert found.digests["hESC/STRING.network.csv"] == f"sha256:{digest}"
    assert set(found.digests) == {"hESC/STRING.network.csv", "human-tfs.csv"}


def test_compressed_file_is_found(folder):
    found = beeline("hESC", "Non-Specific", path=str(folder))
    assert found.edges.to_numpy().tolist() == [["A", "C"]]


def test_scores_and_expression(folder):
    found = beeline("mDC", "Specific", path=folder)
    assert found.edges["score"].tolist() == [171, 2.5]
    assert (found.species, found.factors) == ("mouse", ("M",))
    assert list(found.expression.obs_names) == ["c1", "c2"]
    assert list(found.expression.var_names) == ["A", "NAN", "M"]
    np.testing.assert_array_equal(found.expression.X, np.array([[0.5, 1, 0], [0, 2, 3]], np.float32))
    assert "mDC/ExpressionData.csv" in found.digests


def test_expression_is_read_without_a_warning(folder):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        beeline("mDC", "Specific", path=folder)
    assert [str(each.message) for each in heard] == []


def test_missing_network_names_those_there_are(folder):
    with pytest.raises(StorageError, match=r"Networks of hESC: 'Non-Specific', 'STRING'"):
        beeline("hESC", "Specific", path=folder)


def test_missing_folders_and_factors_are_named(folder):
    with pytest.raises(StorageError, match="no folder 'hHEP'"):
        beeline("hHEP", path=folder)
    (folder / "human-tfs.csv").unlink()
    with pytest.raises(StorageError, match=r"human-tfs\.csv is no file"):
        beeline("hESC", path=folder)


def test_unknown_words_have_a_hint(folder):
    with pytest.raises(InputError, match="'hESC'"):
        beeline("hesc", path=folder)
    with pytest.raises(InputError, match="'STRING'"):
        beeline("hESC", "string", path=folder)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("mDC/Specific.network.csv", "TF,Gene\nA,B\n", "no column 'Gene1'"),
        ("mDC/Specific.network.csv", "Gene1,Gene2\nA, \n", "no Gene2 in row 1"),
        ("mDC/Specific.network.csv", "Gene1,Gene2,Score\nA,B,1\nA,C,many\n", "Score 'many' in row 2"),
        ("mDC/Specific.network.csv", "", "is no table"),
        ("mDC/ExpressionData.csv", ",c1\nA,high\n", "no table of numbers"),
        ("mDC/ExpressionData.csv", ",c1\nA,1\nA,2\n", "one row for each gene"),
        ("mDC/ExpressionData.csv", ",c1\nA,inf\n", "finite"),
        ("mouse-tfs.csv", "Factor\nA\n", "no column 'TF'"),
    ],
)
def test_damaged_files_are_named(folder, file, text, message):
    (folder / file).write_text(text)
    with pytest.raises(InputError, match=message):
        beeline("mDC", "Specific", path=folder)


@pytest.mark.parametrize(
    ("cell_type", "network", "n_edges", "scored"),
    [("hESC", "STRING", 4257, False), ("mESC", "Lofgof", 4169, False), ("mHSC-L", "Specific", 4398, True)],
)
def test_real_networks(shared_data, cell_type, network, n_edges, scored):
    folder = shared_data / "beeline"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    found = beeline(cell_type, network, path=folder)
    assert len(found.edges) == n_edges
    assert ("score" in found.edges) == scored
    assert len(found.factors) == (1563 if found.species == "human" else 1479)
    assert not found.edges.duplicated(["source", "target"]).any()


def test_real_expression(shared_data):
    folder = shared_data / "beeline"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    adata = beeline("mDC", path=folder).expression
    assert adata.shape == (383, 821)
    table = pd.read_csv(folder / "mDC" / "ExpressionData.csv.gz", index_col=0)
    np.testing.assert_allclose(adata[:, "CLEC4E"].X.ravel(), table.loc["CLEC4E"], rtol=1e-6)
