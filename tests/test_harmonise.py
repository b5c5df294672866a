"""What the parts do together: guides, then genes, then spellings; every label ends in one place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scclamp._errors import InputError
from scclamp._harmonise import harmonise
from scclamp._labels import parse_labels


def test_a_guide_of_a_renamed_gene():
    found = harmonise(["C19orf26g1_KLF1g2", "NTg1"], genes=["CBARP", "KLF1"])
    assert found.mapped == {"C19orf26g1_KLF1g2": "CBARP+KLF1", "NTg1": "control"}
    assert found.notes["C19orf26g1_KLF1g2"] == "guide of C19orf26+KLF1; C19orf26 is called CBARP"


def test_two_spellings_in_one_combination_are_one_gene():
    found = harmonise(["ctrl", "C19orf26+CBARP"], genes=["CBARP"])
    assert found.targets["CBARP"] == ("CBARP",)


def test_named_controls_hold_for_guides():
    found = harmonise(["sgLACZ_1", "sgLACZ_2", "sgAHR_1", "sgAHR_2"], genes=["AHR"], control=["sgLACZ_1", "sgLACZ_2"])
    assert list(found.mapped.values()) == ["control", "control", "AHR", "AHR"]


def test_aliases_for_whole_labels_and_a_named_control():
    found = harmonise(["DMSO", "mock", "x", "y"], control=["DMSO"], aliases={"mock": "control", "x": "B+A", "y": None})
    assert found.mapped == {"DMSO": "control", "mock": "control", "x": "A+B"}
    assert found.dropped == {"y": "left out, as aliases= says"}


def test_the_case_of_the_panel_is_taken_where_only_one_gene_can_be_meant():
    found = harmonise(["ctrl", "C1ORF112", "klf1+C1ORF112", "ahr"], genes=["C1orf112", "KLF1", "AHR", "Ahr"])
    assert found.mapped == {
        "ctrl": "control", "C1ORF112": "C1orf112", "klf1+C1ORF112": "C1orf112+KLF1", "ahr": "ahr"
    }  # fmt: skip
    assert sorted(found.renamed) == ["C1ORF112", "klf1+C1ORF112"]
    assert found.notes["C1ORF112"] == "C1ORF112 is called C1orf112"


def test_an_ambiguous_spelling_is_named():
    found = harmonise(["B"], genes=["A", "C"], aliases={"A": "B", "C": "B"})
    with pytest.raises(InputError, match="label 'B', which names 'B', which is another name of 'A' and 'C'"):
        found.require_readable("obs['x']")


def test_symbols_split_where_the_panel_has_ids():
    assert list(harmonise(["AHR_KLF1"], genes=["ENSG1"]).ambiguous) == ["AHR_KLF1"]
    assert harmonise(["AHR_KLF1"], genes=["ENSG1"], symbols=["AHR", "KLF1"]).mapped == {"AHR_KLF1": "AHR+KLF1"}


words = st.lists(st.text("AB1g_+,| ctrl-.", max_size=10), max_size=6)


@given(labels=words, genes=st.lists(st.sampled_from(["A", "B", "A_B", "AB", "Bg1"]), max_size=3))
def test_every_label_ends_in_exactly_one_place(labels, genes):
    found = harmonise(labels, genes=genes)
    places = [set(found.mapped), set(found.dropped), set(found.ambiguous)]
    assert set().union(*places) == set(labels)
    assert sum(map(len, places)) == len(set(labels))


@given(labels=words, genes=st.lists(st.sampled_from(["A", "B", "AB"]), max_size=3))
def test_canonical_names_are_fixed_points(labels, genes):
    names = set(harmonise(labels, genes=genes).mapped.values())
    parts = {part for name in names for part in name.split("+")} - {"control"}
    assert parse_labels(names, genes={*genes, *parts}).mapped == {name: name for name in names}


def test_a_panel_of_another_case_splits_labels_all_the_same():
    labels = ["Ctrl_1", "KLF1_AHR", "KLF1-sg1", "AHR-sg2", "AHR_ctrl", "klf1__ahr", "IRF1-sg1"]
    for panel in (["klf1", "ahr", "irf1"], ["Klf1", "Ahr", "Irf1"]):
        found = harmonise(labels, genes=panel)
        ahr, irf1, klf1 = sorted(panel)
        pair = f"{ahr}+{klf1}"
        assert list(found.mapped.values()) == ["control", pair, klf1, ahr, ahr, pair, irf1]
    assert list(harmonise(["ctrl", "KLF1_AHR"], genes=["klf1", "Klf1", "ahr"]).ambiguous) == ["KLF1_AHR"]
    assert list(harmonise(["ctrl", "KLF1_a"], genes=["KLF1", "A"]).ambiguous) == ["KLF1_a"], "a letter is no gene"
    assert harmonise(["ctrl", "KLF1_ctrl"], genes=["klf1", "CTRL"]).mapped["KLF1_ctrl"] == "klf1"
