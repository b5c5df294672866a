import numpy as np
import pandas as pd
import pytest

from scclamp import datasets
from scclamp._errors import InputError
from scclamp.tl._enrich_libraries import UNNAMED, is_denied, read_libraries

PANEL = [f"G{i}" for i in range(10)]
SETS = {"a": PANEL[:3], "b": [*PANEL[5:], "elsewhere"], "c": ["G0", "elsewhere"]}


def table(sets, name=None):
    found = pd.DataFrame([(k, g) for k, genes in sets.items() for g in genes], columns=["source", "target"])
    found.attrs = {"name": name, "digest": "abc"} if name else {}
    return found


def test_sets_are_cut_to_the_panel_and_small_ones_left_out():
    (found,) = read_libraries(SETS, PANEL, 3)
    assert (found.name, found.terms, found.signs) == (UNNAMED, ("a", "b"), None)
    np.testing.assert_array_equal(found.members.sum(1), [3, 5])
    np.testing.assert_array_equal(np.flatnonzero(found.members[0]), [0, 1, 2])


def test_an_edge_without_a_weight_has_no_sign():
    edges = pd.DataFrame({"source": "F", "target": ["G0", "G1", "G2"], "weight": [np.nan, -2.0, 1.0]})
    (found,) = read_libraries(edges, PANEL, 1)
    assert dict(zip(PANEL, found.signs[0], strict=True)) | {"G0": 0, "G1": -1, "G2": 1} == dict(
        zip(PANEL, found.signs[0], strict=True)
    )
    assert found.members[0][[PANEL.index(g) for g in ("G0", "G1", "G2")]].all()


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (table(SETS), [UNNAMED]),
        (table(SETS, "mine"), ["mine"]),
        ([SETS, table(SETS, "mine")], [UNNAMED, "mine"]),
        ({"x": SETS, "y": table(SETS, "mine")}, ["x", "y"]),
        ({"a": PANEL, "b": tuple(PANEL), "c": set(PANEL), "d": pd.Index(PANEL[:1])}, [UNNAMED]),
    ],
)
def test_every_form_is_read(given, names):
    libraries = read_libraries(given, PANEL, 3)
    assert [each.name for each in libraries] == names


def test_the_digest_of_a_table_is_kept():
    assert read_libraries(table(SETS, "mine"), PANEL, 3)[0].digest == "abc"


def test_a_gene_given_twice_counts_once():
    (found,) = read_libraries({"a": ["G0", "G1", "G1", "G0", "G2"]}, PANEL, 3)
    assert found.members.sum() == 3


def test_a_file_is_told_how_to_be_read():
    with pytest.raises(
        InputError, match=r"gene_sets='my\.gmt' is the name of a file.*gene_sets\(name, path='my\.gmt'\)"
    ):
        read_libraries("my.gmt", ["A", "B"], 1)


def test_library_by_name():
    signatures = datasets.gene_sets("lineage_signatures")
    panel = sorted(set(signatures["target"]))
    (found,) = read_libraries("lineage_signatures", panel, 5)
    assert len(found.terms) == 8
    sizes = dict(zip(found.terms, found.members.sum(1), strict=True))
    assert sizes == signatures.groupby("source")["target"].nunique().to_dict()


def test_signs_of_a_network():
    edges = [("F", "G0", 1), ("F", "G1", -1), ("F", "G2", 1), ("F", "G2", -1), ("F", "G3", 0), ("F", "G3", 1)]
    edges += [("F", "elsewhere", 1), ("E", "G9", -1), ("D", "elsewhere", 1)]
    (found,) = read_libraries(pd.DataFrame(edges, columns=["source", "target", "weight"]), PANEL, 5)
    assert found.terms == ("E", "F")
    np.testing.assert_array_equal(found.signs[1, :5], [1, -1, 0, 1, 0])
    np.testing.assert_array_equal(found.members[1, :5], [True, True, True, True, False])
    net = found.net()
    assert sorted(zip(net["source"], net["target"], net["weight"], strict=True)) == [
        ("E", "9", -1.0),
        ("F", "0", 1.0),
        ("F", "1", -1.0),
        ("F", "3", 1.0),
    ]


@pytest.fixture
def from_decoupler():
    """The layout of `decoupler.op.collectri()`, complexes among the factors."""
    return pd.DataFrame(
        {
            "source": pd.Categorical(["MYC", "MYC", "AP1", "SPI1"]),
            "target": ["G0", "G1", "G2", "elsewhere"],
            "weight": [1.0, -1.0, 1.0, -1.0],
            "resources": ["ExTRI;HTRI", "ExTRI", "", "TRRUST"],
            "references": ["10022128;10491298", "1", "2", "3"],
            "sign_decision": ["PMID", "PMID", "default activation", "regulon"],
        }
    )


def test_a_network_as_decoupler_returns_it(from_decoupler, tmp_path):
    (found,) = read_libraries({"collectri": from_decoupler}, PANEL, 5)
    assert (found.name, found.terms) == ("collectri", ("AP1", "MYC"))
    np.testing.assert_array_equal(found.signs[:, :3], [[0, 0, 1], [1, -1, 0]])
    from_decoupler.to_csv(tmp_path / "collectri.csv")
    (read,) = read_libraries(datasets.gene_sets("collectri", path=tmp_path / "collectri.csv"), PANEL, 5)
    assert read.terms == found.terms
    np.testing.assert_array_equal(read.signs, found.signs)


@pytest.mark.parametrize(
    ("term", "denied"),
    [
        ("Influenza Infection", True),
        ("TUBERCULOSIS infection response", True),
        ("Signaling by Leukemia fusions", True),
        ("Cell Cycle, Mitotic", True),
        ("Metabolism", True),
        ("metabolism of lipids", False),
        ("Heme Metabolism", False),
        ("Cell Cycle Checkpoints", False),
        ("Interferon Gamma Response", False),
    ],
)
def test_denied_terms(term, denied):
    assert is_denied("Reactome_2022", term) is denied
    assert is_denied("MSigDB_Hallmark_2020", term) is denied
    assert not is_denied("ChEA_2022", term)


def test_denied_sets_are_no_tests():
    sets = {"Metabolism": PANEL, "Heme Metabolism": PANEL, "Disease": PANEL}
    (kept,) = read_libraries({"Reactome": sets}, PANEL, 3)
    (all_three,) = read_libraries({"other": sets}, PANEL, 3)
    assert (kept.terms, len(all_three.terms)) == (("Heme Metabolism",), 3)


def test_reactome_of_a_real_file(shared_data):
    path = shared_data / "gene_sets" / "ReactomePathways_2024-09-18.gmt"
    if not path.exists():
        pytest.skip(f"{path.name} is absent")
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    panel = sorted({gene for row in rows for gene in row[2:]})[::4]
    (found,) = read_libraries(datasets.gene_sets("Reactome_2022", path=path), panel, 5)
    left = {row[0] for row in rows if len(set(row[2:]).intersection(panel)) >= 5} - set(found.terms)
    assert {"Signal Transduction", "HIV Infection", "Cell Cycle, Mitotic", "Metabolism of RNA"} <= left
    assert all(is_denied("Reactome", term) for term in left)
    assert "Interferon gamma signaling" in found.terms


def test_a_panel_that_is_too_small_is_not_told_that_its_names_are_wrong():
    """Lineage signatures on a panel that measures two genes of one of them."""
    signature = datasets.gene_sets("lineage_signatures").query("source == 'INTERFERON_RESPONSE'")["target"]
    with pytest.raises(InputError, match=r"the panel measures 2 of its .* genes, and 2 of one set at most") as error:
        read_libraries("lineage_signatures", [*signature[:2], "GENE1"], 5)
    assert "same names" not in str(error.value)
    with pytest.raises(InputError, match="left out as a disease or a catch-all"):
        read_libraries({"Reactome": {"Disease": PANEL}}, PANEL, 5)
    with pytest.raises(InputError, match=r"none is in both\. Use sets with the same names"):
        read_libraries("lineage_signatures", PANEL, 5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "gene_sets is empty"),
        ([], "holds no sets"),
        (3, "gene_sets=3 holds no sets"),
        ([3], "holds a int"),
        ({"a": "G0"}, r"gene_sets\['a'\]='G0' must be a list of genes"),
        ({"a": 3}, r"gene_sets\['a'\]=3 must be a list of genes"),
        ("ChEA_2023", "Did you mean 'ChEA_2022'"),
        (pd.DataFrame({"source": ["a"]}), "without the column 'target'"),
        ([SETS, SETS], "the library 'gene_sets' twice"),
        (
            {"a": ["ENSG01", "ENSG02"]},
            "no set of gene_sets has 3 genes or more among the 10 of the panel, such as 'G0'",
        ),
    ],
)
def test_errors_name_the_remedy(given, message):
    with pytest.raises(InputError, match=message):
        read_libraries(given, PANEL, 3)
