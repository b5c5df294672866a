"""Overlaps and signs of one regulator's targets, against scipy's distributions and sets of names."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scclamp._errors import InputError
from scclamp.tl._enrich_libraries import Library
from scclamp.tl._enrich_tests import Top, overlaps

PANEL = [f"G{i}" for i in range(12)]
TARGETS = pd.DataFrame(
    {
        "regulator": ["A"] * 5 + ["B"] * 3,
        "target": ["G3", "G0", "G7", "G5", "G9", "G1", "G2", "G3"],
        "weight": [2.0, -1.5, 1.0, 0.0, -0.2, 1.0, -0.5, 0.4],
        "latent": [False] * 5 + [True] * 3,
    }
)
SETS = {"one": {"G0", "G3", "G9", "G11"}, "two": {"G4", "G6"}}
EDGES = {"A": {"G3": 1, "G0": 1, "G7": 0, "G8": -1, "G9": -1}, "C": {"G1": 1}}


def library(sets, signs=None):
    members = np.array([[gene in genes for gene in PANEL] for genes in sets.values()])
    known = None if signs is None else np.array([[row.get(gene, 0) for gene in PANEL] for row in signs.values()])
    return Library("lib", tuple(sets), members, known)


def tops(*names):
    return [Top.of(name, TARGETS, PANEL) for name in names]


def test_targets_are_edges_with_a_weight_and_the_sign_it_has():
    a, b = tops("A", "B")
    assert list(a.genes) == ["G3", "G0", "G7", "G9"], "a weight of zero is no edge"
    assert [PANEL[i] for i in a.at] == list(a.genes)
    assert a.signs.tolist() == [1, -1, 1, -1]
    assert b.signs.tolist() == [0, 0, 0], "the weight of a latent regulator does not tell its sign"
    effects = TARGETS.assign(effect=-TARGETS["weight"])
    assert Top.of("B", effects, PANEL).signs.tolist() == [-1, 1, -1]


def test_every_set_is_tested_as_a_draw_from_the_panel():
    table = overlaps(tops("A", "B"), library(SETS), len(PANEL))
    assert list(zip(table["regulator"], table["term"], strict=True)) == [
        ("A", "one"), ("A", "two"), ("B", "one"), ("B", "two")
    ]  # fmt: skip
    mine = {"A": ["G3", "G0", "G7", "G9"], "B": ["G1", "G2", "G3"]}
    for row in table.itertuples():
        genes, members = mine[row.regulator], SETS[row.term]
        both = [gene for gene in genes if gene in members]
        assert (row.overlap, row.n_top, row.set_size, row.panel) == (len(both), len(genes), len(members), 12)
        assert row.genes == ",".join(both)
        assert row.p == pytest.approx(stats.hypergeom.sf(len(both) - 1, 12, len(members), len(genes)), rel=1e-9)
        assert row.p_adjusted == pytest.approx(min(1, 2 * row.p), rel=1e-9)
        assert row.fold == pytest.approx(len(both) / (len(genes) * len(members) / 12))


def test_a_network_is_asked_about_the_regulator_itself():
    table = overlaps(tops("A", "B"), library({name: set(row) for name, row in EDGES.items()}, EDGES), len(PANEL))
    assert table[["regulator", "term"]].values.tolist() == [["A", "A"]], "B is not among its factors"
    row = table.iloc[0]
    assert (row["overlap"], row["genes"]) == (4, "G3,G0,G7,G9")
    assert row["p_adjusted"] == row["p"], "one set, one test"
    # Known signs among the hits: G3 agrees, G0 does not, G9 agrees; of G7 none is known.
    assert row["n_signs"] == 3
    assert row["sign_agreement"] == pytest.approx(2 / 3)
    assert row["p_sign"] == pytest.approx(stats.binom.sf(1, 3, 0.5))
    # Of the four strongest two are activated and two repressed.
    assert row["sign_chance"] == pytest.approx(0.5)


def test_signs_that_nobody_knows_are_not_judged():
    table = overlaps(tops("B"), library({"B": {"G1"}}, {"B": {"G1": 1}}), len(PANEL))
    assert table.loc[0, "n_signs"] == 0
    assert table.loc[0, ["sign_agreement", "sign_chance", "p_sign"]].isna().all()


def test_a_network_that_knows_none_of_them_is_named():
    with pytest.raises(InputError, match=r"lib has no measured targets of 'B', but of 'A', 'C'"):
        overlaps(tops("B"), library({name: set(row) for name, row in EDGES.items()}, EDGES), len(PANEL))
