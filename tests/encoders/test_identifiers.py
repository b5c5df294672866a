"""Genes by Ensembl identifiers: their own, or those of a table in every form that it may have."""

import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError, StorageError
from scclamp.encoders._identifiers import bare, is_ensembl, map_ensembl

# In the form of identifiers; those of no gene.
ONE, TWO, THREE, FOUR = (f"ENSG9000000000{i}" for i in range(1, 5))
VOCABULARY = {THREE: 0, ONE: 1, TWO: 2}
TABLE = {"ALPHA": f"{ONE}.3", "BETA": TWO, "GAMMA": FOUR, "none": np.nan}


def test_versions_are_stripped_from_identifiers_alone():
    assert bare(f" {ONE}.12") == ONE
    assert bare("ENSMUSG00000012345.4") == "ENSMUSG00000012345"
    assert (bare("AC012345.3"), bare("ENSG1.2")) == ("AC012345.3", "ENSG1.2")
    assert [is_ensembl(name) for name in (ONE, f"{ONE}.2", "TP53", f"{ONE}-1", np.nan)] == [True, True, *[False] * 3]


def test_identifiers_stand_for_themselves():
    found = map_ensembl([f"{TWO}.7", "GFP", ONE, FOUR], VOCABULARY)
    np.testing.assert_array_equal(found.tokens, [2, -1, 1, -1])
    assert found.missing == ("GFP", FOUR)


def test_tables_of_every_form(tmp_path):
    panel = ["BETA", "ALPHA", f"{THREE}.1", "GAMMA", "none"]
    rows = [f"{key}{{0}}{value}" for key, value in TABLE.items() if isinstance(value, str)]
    files = {
        "a.csv": "\n".join(["symbol,id", *rows]).format(","),
        "b.tsv": "\n".join(rows).format("\t"),
        "c.txt": "\n".join("\t".join(row.split("{0}")[::-1]) for row in ["symbol{0}id", *rows]),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text.replace("{0}", ","))
    compressed = tmp_path / "d.tsv.gz"
    pd.DataFrame(TABLE.items()).dropna().to_csv(compressed, sep="\t", index=False)
    reverse = pd.Series({value: key for key, value in TABLE.items()})
    tables = [TABLE, pd.Series(TABLE), reverse, *(tmp_path / name for name in files), str(compressed)]
    for table in tables:
        found = map_ensembl(panel, VOCABULARY, table)
        np.testing.assert_array_equal(found.tokens, [2, 1, 0, -1, -1])
        assert found.missing == ("GAMMA", "none")
        assert found.renamed == {"BETA": TWO, "ALPHA": ONE, f"{THREE}.1": THREE}


def test_of_several_identifiers_that_of_the_vocabulary_is_meant():
    table = pd.Series([FOUR, ONE, ONE, TWO, THREE], index=["A", "A", "A", "B", "B"])
    found = map_ensembl(["A", "B", "C"], VOCABULARY, table)
    np.testing.assert_array_equal(found.tokens, [1, -1, -1])
    assert (found.ambiguous, found.missing) == (("B",), ("C",))


def test_genes_that_share_an_identifier_are_ambiguous():
    found = map_ensembl(["A", "B", "C"], VOCABULARY, {"A": ONE, "B": ONE, "C": TWO})
    np.testing.assert_array_equal(found.tokens, [-1, -1, 2])
    assert found.ambiguous == ("A", "B")


@pytest.mark.parametrize(
    ("genes", "symbols", "message"),
    [
        (["TP53", "KLF1"], None, r"'TP53', 'KLF1', no Ensembl.*adata\.var\[\"gene_ids\"\].*\"ensembl_id\".*csv or tsv"),
        (["TP53"], TABLE, "symbols holds none of the genes 'TP53', but symbols like 'ALPHA'"),
        (["ALPHA"], {"ALPHA": "P04637"}, "symbols holds no Ensembl identifiers, but pairs like .'ALPHA', 'P04637'"),
        (["ALPHA"], [ONE], "symbols is a list, neither"),
        ([FOUR], None, f"none of '{FOUR}' is among the 3 genes of the model, such as '{THREE}'.*species"),
        (["GAMMA"], TABLE, "none of 'GAMMA' is among the 3 genes"),
        ([ONE, ONE], None, f"genes holds '{ONE}' more than once"),
    ],
)
def test_panels_and_tables_that_cannot_be_used(genes, symbols, message):
    with pytest.raises(InputError, match=message):
        map_ensembl(genes, VOCABULARY, symbols)


def test_files_that_cannot_be_used(tmp_path):
    with pytest.raises(StorageError, match=r"no\.csv' cannot be read"):
        map_ensembl(["A"], VOCABULARY, tmp_path / "no.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(StorageError, match=r"empty\.csv' cannot be read"):
        map_ensembl(["A"], VOCABULARY, tmp_path / "empty.csv")
    (tmp_path / "three.csv").write_text(f"A,{ONE},x\n")
    with pytest.raises(InputError, match="has 3 columns, not a symbol and an identifier"):
        map_ensembl(["A"], VOCABULARY, tmp_path / "three.csv")
