import json
import pickle

import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError, StorageError
from scclamp.encoders._ensembl import bare, ensembl_ids, map_ensembl

GATA1, KLF1, WARS1 = "ENSG00000102145", "ENSG00000105610", "ENSG00000140105"


def test_identifiers_stand_for_themselves():
    names = [f"{GATA1}.15", KLF1, "ENSMUSG00000031162.3", "GFP", "ENSG123"]
    expected = {f"{GATA1}.15": GATA1, KLF1: KLF1, "ENSMUSG00000031162.3": "ENSMUSG00000031162"}
    assert ensembl_ids(names) == expected


def test_symbols_are_found_by_a_dictionary(tmp_path):
    table = {"GATA1": GATA1, "KLF1": f"{KLF1}.6", "WARS": WARS1, "CCN2": "ENSG00000118523", "NOID": np.nan}
    names = ["GATA1", "Klf1", "WARS1", "CTGF", "NOID", "GFP", WARS1 + ".2"]
    expected = {"GATA1": GATA1, "Klf1": KLF1, "WARS1": WARS1, "CTGF": "ENSG00000118523", f"{WARS1}.2": WARS1}
    assert ensembl_ids(names, table) == expected
    plain = {name: value for name, value in table.items() if name != "NOID"}
    (tmp_path / "ids.json").write_text(json.dumps(plain))
    (tmp_path / "ids.pkl").write_bytes(pickle.dumps(plain))
    assert ensembl_ids(names, tmp_path / "ids.json") == expected
    assert ensembl_ids(names, str(tmp_path / "ids.pkl")) == expected
    assert ensembl_ids(names, pd.Series(table)) == expected


@pytest.mark.parametrize(("suffix", "separator"), [("csv", ","), ("tsv", "\t")])
def test_symbols_are_found_by_a_table(tmp_path, suffix, separator):
    path = tmp_path / f"ids.{suffix}"
    table = pd.DataFrame({"id": [f"{GATA1}.15", KLF1, np.nan], "name": ["GATA1", "KLF1", "GFP"]})
    for columns in (["id", "name"], ["name", "id"]):
        table[columns].to_csv(path, sep=separator, index=False)
        assert ensembl_ids(["KLF1", "GATA1", "GFP"], path) == {"KLF1": KLF1, "GATA1": GATA1}
    table[["name"]].to_csv(path, sep=separator, index=False)
    with pytest.raises(InputError, match="has the columns 'name', not one of symbols and one of Ensembl"):
        ensembl_ids(["KLF1"], path)
    path.unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        ensembl_ids(["KLF1"], path)


def test_a_dictionary_may_replace_identifiers():
    assert ensembl_ids(["ENSG00000000001"], {"ENSG00000000001": GATA1}) == {"ENSG00000000001": GATA1}


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Index])
def test_identifiers_in_the_order_of_the_panel(kind):
    given = kind([f"{KLF1}.6", GATA1, "none"])
    assert ensembl_ids(["KLF1", "GATA1", "GFP"], given) == {"KLF1": KLF1, "GATA1": GATA1}


def test_panels_are_mapped_and_versions_dropped():
    vocabulary = {KLF1: 4, GATA1: 9}
    mapping = map_ensembl(["GFP", "GATA1", f"{KLF1}.6"], vocabulary, {"GATA1": f"{GATA1}.15"})
    assert mapping.tokens.tolist() == [-1, 9, 4]
    assert mapping.missing == ("GFP",)
    assert (bare(f"{KLF1}.6"), bare(KLF1), bare("KLF1.6")) == (KLF1, KLF1, "KLF1.6")


def test_panels_without_identifiers_are_named():
    with pytest.raises(InputError, match=r"no Ensembl identifier is known of 'GATA1', 'KLF1'.*Pass `symbols`"):
        ensembl_ids(["GATA1", "KLF1"])
    with pytest.raises(InputError, match="no Ensembl identifier is known"):
        ensembl_ids(["GATA1"], {"KLF1": KLF1})
    with pytest.raises(InputError, match="symbols has 1 identifiers for 2 genes"):
        ensembl_ids(["GATA1", "KLF1"], [GATA1])
