"""Libraries as a command line names them."""

import gzip

import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError, StorageError
from scclamp.cli._libraries import LIBRARIES, read_libraries
from scclamp.datasets._gene_sets import _READERS

GMT = "first\t\tAHR\tKLF1\nsecond\t\tFEV\n"
PAIRS = [("first", "AHR"), ("first", "KLF1"), ("second", "FEV")]


def test_known_libraries_are_those_of_the_package():
    assert sorted(LIBRARIES) == sorted(_READERS)


def test_known_libraries_come_with_the_package_or_from_a_copy(tmp_path):
    (tmp_path / "copy.tsv").write_text("AHR\tKLF1\tActivation\t123\n")
    copy = f"trrust={tmp_path / 'copy.tsv'}"
    found = read_libraries(["lineage_signatures", copy])
    pd.testing.assert_frame_equal(found["lineage_signatures"], sc_c.datasets.gene_sets("lineage_signatures"))
    assert found["trrust"][["source", "target", "weight"]].values.tolist() == [["AHR", "KLF1", 1]]


def test_libraries_of_ones_own(tmp_path):
    (tmp_path / "a.gmt").write_text(GMT)
    (tmp_path / "b.gmt.gz").write_bytes(gzip.compress(GMT.encode()))
    table = pd.DataFrame(PAIRS, columns=["source", "target"]).assign(weight=-1)
    table.to_csv(tmp_path / "c.csv", index=False)
    table.to_csv(tmp_path / "d.tsv", index=False, sep="\t")
    found = read_libraries(f"{path.name[0]}={path}" for path in sorted(tmp_path.iterdir()))
    for name in "abcd":
        assert list(found[name][["source", "target"]].itertuples(index=False, name=None)) == PAIRS
        assert ("weight" in found[name]) == (name in "cd")
        assert found[name].attrs["digest"]


def test_a_file_alone_is_named_by_itself(tmp_path):
    (tmp_path / "modules.v2.gmt").write_text(GMT)
    table = read_libraries([str(tmp_path / "modules.v2.gmt")])["modules"]
    assert list(table[["source", "target"]].itertuples(index=False, name=None)) == PAIRS


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        (["nonsense"], InputError, "'nonsense' is not known"),
        (["absent/x.gmt"], StorageError, "--library x=absent/x.gmt is no file"),
        (["mine=absent.gmt"], StorageError, "--library mine=absent.gmt is no file"),
        (["=absent.gmt"], InputError, "write NAME, or NAME=FILE"),
        (["mine="], InputError, "write NAME, or NAME=FILE"),
        (["mine=pyproject.toml"], InputError, "end the file in .gmt, .csv or .tsv"),
        (["mine=raw.tsv"], InputError, "raw.tsv: the table has no column 'source'.*as in trrust=raw.tsv"),
        (["mine=half.csv"], InputError, "half.csv: the table has no column 'target'"),
        (["lineage_signatures", "lineage_signatures"], InputError, "is named twice"),
    ],
)
def test_what_is_no_library(texts, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "raw.tsv").write_text("AHR\tKLF1\tActivation\t123\n")
    (tmp_path / "half.csv").write_text("source,gene\nAHR,KLF1\n")
    with pytest.raises(error, match=message):
        read_libraries(texts)
