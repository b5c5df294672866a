"""What is chosen of a table of `tl.enrich`, chosen once more by hand."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp.pl._enrichment_table import LEVEL, MOST_REGULATORS, expected_cells, read_table, score, select, short


def make(p, library="sets", **columns):
    """A table from p values, regulators x sets."""
    rows = [
        {
            "regulator": f"R{i}",
            "library": library,
            "term": f"S{j}",
            "overlap": 3,
            "set_size": 9,
            "fold": 2.0,
            "p": x,
            "p_adjusted": min(1.0, 4 * x),
        }
        for i, line in enumerate(p)
        for j, x in enumerate(line)
    ]
    return pd.DataFrame(rows).assign(**columns)


def test_cells_are_those_of_the_table():
    p = np.random.default_rng(0).uniform(size=(3, 4))
    hits = select(make(p), ["R2", "R0"], None, 3)
    (block,) = hits.blocks
    best = np.argsort(p[[0, 2]].min(0))[:3]
    assert block.terms == tuple(f"S{j}" for j in best)
    np.testing.assert_allclose(block.cells("p"), p[[2, 0]][:, best].T)
    assert hits.best["term"].tolist() == [f"S{j}" for j in p[[2, 0]].argmin(1)]
    assert hits.note == ""


def test_hits_run_downwards():
    p = np.array([[0.9, 0.9, 0.001], [0.9, 0.0001, 0.9], [0.9, 0.9, 0.9], [1e-6, 0.9, 0.9], [1e-5, 0.9, 0.9]])
    hits = select(make(p), None, None, 3)
    assert hits.blocks[0].terms == ("S0", "S1", "S2")
    assert hits.regulators == ("R3", "R4", "R1", "R0", "R2")


def test_of_many_regulators_those_with_hits_are_drawn():
    p = np.random.default_rng(0).uniform(0.02, 0.2, size=(200, 2))
    hits = select(make(p), None, None, 2)
    assert set(hits.regulators) == {f"R{i}" for i in np.argsort(p.min(1))[:MOST_REGULATORS]}
    assert hits.note == "The 30 regulators with the smallest p values; 170 more were tested."
    assert len(select(make(p), [f"R{i}" for i in range(60)], None, 2).regulators) == 60


def test_a_network_has_one_row_and_what_was_not_tested_is_missing():
    sets = make([[0.1, 0.2], [0.3, 0.4]])
    known = make([[0.01]], library="trrust", term="R0", n_signs=2.0)
    table = read_table(pd.concat([sets, known], ignore_index=True), None, "clamp", None)
    hits = select(table, ["R0", "R1"], ["trrust", "sets"], 5)
    assert [block.library for block in hits.blocks] == ["trrust", "sets"]
    assert hits.blocks[0].terms == ("own known targets",)
    np.testing.assert_array_equal(hits.blocks[0].cells("p"), [[0.01, np.nan]])
    assert hits.best[["regulator", "library"]].to_numpy().tolist() == [["R0", "trrust"], ["R0", "sets"], ["R1", "sets"]]
    assert [block.library for block in select(table, ["R1"], None, 5).blocks] == ["sets"]


def test_expected_sets_are_found():
    hits = select(make([[0.1, 0.01], [0.2, 0.3]]), ["R0", "R1"], None, 2)
    assert hits.blocks[0].terms == ("S1", "S0")
    assert expected_cells({"R0": "S1", "R1": ["S0", "S1"]}, hits) == [(0, 0, 0), (0, 1, 1), (0, 0, 1)]
    with pytest.raises(InputError, match="expected names 'R9', which is not drawn"):
        expected_cells({"R9": "S1"}, hits)
    with pytest.raises(InputError, match=r"expected\['R0'\] names 'S7', which is not drawn"):
        expected_cells({"R0": "S7"}, hits)


def test_scores_and_names():
    np.testing.assert_allclose(score([1.0, LEVEL, 0.0]), [0.0, -np.log10(LEVEL), 300.0])
    assert short("HEME_METABOLISM") == "HEME METABOLISM"
    assert len(short("x" * 100)) == 42
    assert short("x" * 100).endswith("…")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (ad.AnnData(np.zeros((2, 2))), r"no uns\['clamp_enrichment'\]. Run scclamp.tl.enrich"),
        (pd.DataFrame({"regulator": ["R0"]}), "holds no table of tl.enrich with the columns 'regulator'"),
        (make([[0.1]]).iloc[:0], "without a row"),
        (pd.concat([make([[0.1]])] * 2), "twice"),
    ],
)
def test_other_things_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        read_table(given, None, "clamp", None)


def test_unknown_names_are_refused():
    table = make([[0.1]])
    with pytest.raises(InputError, match="libraries: 'set' is not there"):
        select(table, None, "set", 2)
    with pytest.raises(InputError, match="regulators: 'R1' is not there"):
        select(table, "R1", None, 2)
