import hashlib

import pytest

from scclamp._errors import InputError, InputWarning, StorageError
from scclamp.datasets import _gene_sets, gene_sets

SIZES = {
    "ERYTHROID_LINEAGE": 44,
    "MYELOID_GRANULOCYTE_LINEAGE": 34,
    "MYELOID_MONOCYTE_LINEAGE": 39,
    "MEGAKARYOCYTE_LINEAGE": 22,
    "LYMPHOID_T_CELL_LINEAGE": 33,
    "LYMPHOID_B_CELL_LINEAGE": 28,
    "INTERFERON_RESPONSE": 47,
    "CELL_CYCLE": 38,
}


def test_signatures_have_the_sizes_of_the_paper():
    found = gene_sets("lineage_signatures")
    assert found.groupby("source", sort=False)["target"].size().to_dict() == SIZES
    assert found["target"].nunique() == 283
    shared = found.groupby("target")["source"].nunique()
    assert sorted(shared[shared > 1].index) == ["GATA1", "NFE2"]


def test_signatures_come_without_network(monkeypatch):
    monkeypatch.setattr(_gene_sets, "fetch", lambda entry: pytest.fail(f"asked for {entry.name}"))
    assert gene_sets("lineage_signatures").attrs["checksum_source"] == "shipped"


def test_library_is_downloaded_and_trusted_aloud(server, cache, monkeypatch):
    server.body = b"GATA1 22025678 ChIP-Seq K562 Human\t\tKLF1\tHBB\t\n"
    monkeypatch.setitem(_gene_sets.REGISTRY, "gene_sets/ChEA_2022", server.entry("file", known=False))
    with pytest.warns(InputWarning, match="nobody publishes its checksum") as caught:
        found = gene_sets("ChEA_2022")
    assert found["target"].tolist() == ["KLF1", "HBB"]
    digest = f"sha256:{hashlib.sha256(server.body).hexdigest()}"
    assert found.attrs == {"name": "ChEA_2022", "digest": digest, "checksum_source": "none"}
    assert [w.category for w in caught].count(InputWarning) == 1
    assert gene_sets("ChEA_2022").equals(found)


def test_unknown_name_has_a_hint():
    with pytest.raises(InputError, match="Did you mean 'ChEA_2022'"):
        gene_sets("chea_2022")


def test_path_that_is_no_file_is_named(tmp_path):
    with pytest.raises(StorageError, match=r"is no file\. Give a file in the layout of trrust"):
        gene_sets("trrust", path=tmp_path)


@pytest.mark.parametrize(
    ("name", "file", "sets", "rows", "columns"),
    [
        ("ChEA_2022", "ChEA_2022.gmt.gz", 757, 919312, ["source", "target", "regulator", "organism"]),
        ("MSigDB_Hallmark_2020", "MSigDB_Hallmark_2020.gmt", 50, 7321, ["source", "target"]),
        ("Reactome_2022", "ReactomePathways_2024-09-18.gmt", 2694, 132481, ["source", "target", "identifier"]),
        ("trrust", "trrust_rawdata.human.tsv", 795, 9387, ["source", "target", "weight", "evidence"]),
    ],
)
def test_real_library(shared_data, name, file, sets, rows, columns):
    path = shared_data / "gene_sets" / file
    if not path.is_file():
        pytest.skip(f"no {path}")
    found = gene_sets(name, path=path)
    assert (found["source"].nunique(), len(found), list(found.columns)) == (sets, rows, columns)
    assert found.attrs["digest"] == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_real_libraries_say_what_is_known(shared_data):
    folder = shared_data / "gene_sets"
    for file in ("ENCODE_TF_ChIP-seq_2015.gmt.gz", "MSigDB_Hallmark_2020.gmt"):
        if not (folder / file).is_file():
            pytest.skip(f"no {folder / file}")
    encode = gene_sets("ENCODE_TF_ChIP-seq_2015", path=folder / "ENCODE_TF_ChIP-seq_2015.gmt.gz")
    terms = encode.drop_duplicates("source")
    assert terms["organism"].value_counts().to_dict() == {"human": 678, "mouse": 138}
    assert {"SPI1", "GATA1"} <= set(terms["regulator"])
    hallmark = gene_sets("MSigDB_Hallmark_2020", path=folder / "MSigDB_Hallmark_2020.gmt")
    assert {"heme Metabolism", "Interferon Gamma Response"} <= set(hallmark["source"])


def test_real_collectri(shared_data):
    path = shared_data / "networks" / "collectri_human.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    found = gene_sets("collectri", path=path)
    assert found["weight"].value_counts().to_dict() == {1: 40092, -1: 5469}
    edge = found[(found["source"] == "STAT1") & (found["target"] == "IRF1")]
    assert edge["weight"].tolist() == [1]
