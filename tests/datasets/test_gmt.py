import gzip

import pytest

from scclamp._errors import InputError, StorageError
from scclamp.datasets._gmt import read_gmt

ENRICHR = "FOXP1 22492998 ChIP-Seq STRIATUM Mouse\t\tMCTS2\tBCL11B\t\nGATA1 1 ChIP-Seq K562 Human\t\tKLF1\t\n"


def _read(tmp_path, text, library="lineage_signatures", *, pack=False):
    path = tmp_path / "x.gmt"
    path.write_bytes(gzip.compress(text.encode()) if pack else text.encode())
    return read_gmt(path, library)


@pytest.mark.parametrize("pack", [False, True])
def test_chip_terms_begin_with_the_factor(tmp_path, pack):
    found = _read(tmp_path, ENRICHR, "ChEA_2022", pack=pack)
    assert found["target"].tolist() == ["MCTS2", "BCL11B", "KLF1"]
    assert found["regulator"].tolist() == ["FOXP1", "FOXP1", "GATA1"]
    assert found["organism"].tolist() == ["mouse", "mouse", "human"]
    assert found["source"].iloc[2] == "GATA1 1 ChIP-Seq K562 Human"


@pytest.mark.parametrize(
    ("term", "regulator", "organism"),
    [
        ("SPI1 GM12878 hg19", "SPI1", "human"),
        ("JUND_MELCELLLINE_MM9", "JUND", "mouse"),
        ("E2F1 18555785 Chip-Seq ESCs Mouse", "E2F1", "mouse"),
        ("AR 20517297 ChIP-Seq VCAP Human ProstateCancer", "AR", "human"),
        ("PU.1 20513432 ChIP-Seq Bcells Rat", "PU.1", "rat"),
        ("MYC Ratatouille", "MYC", ""),
    ],
)
def test_form_of_a_term(tmp_path, term, regulator, organism):
    (row,) = _read(tmp_path, f"{term}\t\tKLF1\n", "ENCODE_TF_ChIP-seq_2015").itertuples()
    assert (row.source, row.regulator, row.organism) == (term, regulator, organism)


@pytest.mark.parametrize("name", ["Hallmark Heme Metabolism", "Heme Metabolism"])
def test_hallmark_is_no_part_of_a_name(tmp_path, name):
    assert _read(tmp_path, f"{name}\t\tKLF1\n", "MSigDB_Hallmark_2020")["source"].tolist() == ["Heme Metabolism"]


@pytest.mark.parametrize("line", ["Cell Cycle R-HSA-1640170\t\tCDK1\n", "Cell Cycle\tR-HSA-1640170\tCDK1\n"])
def test_identifier_of_a_pathway_has_its_own_column(tmp_path, line):
    (row,) = _read(tmp_path, line, "Reactome_2022").itertuples()
    assert (row.source, row.target, row.identifier) == ("Cell Cycle", "CDK1", "R-HSA-1640170")


def test_pathways_of_one_name_are_not_merged(tmp_path):
    with pytest.raises(InputError, match="Several pathways are called 'Cell Cycle'"):
        _read(tmp_path, "Cell Cycle R-HSA-1\t\tCDK1\nCell Cycle R-HSA-2\t\tCDK2\n", "Reactome_2022")


def test_weights_blanks_and_repetitions_of_genes_go(tmp_path):
    found = _read(tmp_path, "A\tna\tKLF1,1.0\t GATA1 \tKLF1\t\t\r\n\n")
    assert found.to_dict("list") == {"source": ["A", "A"], "target": ["KLF1", "GATA1"]}


@pytest.mark.parametrize("text", ["A\t\n", "A\n", "A\tKLF1\n", "\t\tKLF1\n", "<html>\n", "A\t\t\t\n"])
def test_line_that_is_no_set_is_named(tmp_path, text):
    with pytest.raises(InputError, match=r"x\.gmt, line 2 is no gene set"):
        _read(tmp_path, "B\t\tKLF1\n" + text)


def test_repeated_set_is_named(tmp_path):
    with pytest.raises(InputError, match="'A' in line 3 and in line 1"):
        _read(tmp_path, "A\t\tKLF1\nB\t\tKLF1\nA\t\tGATA1\n")


def test_empty_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no gene sets"):
        _read(tmp_path, "\n\n")


@pytest.mark.parametrize("content", [gzip.compress(b"A\t\tKLF1\n" * 99, mtime=0)[:-9], b"\xff\xfe\x00A"])
def test_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "x.gmt"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="cannot be read as text"):
        read_gmt(path, "ChEA_2022")
