"""The table of renamed genes against a current vocabulary, and its use in both directions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scclamp._aliases import RENAMED, Aliases, did_you_mean_gene
from scclamp._errors import InputError
from scclamp._labels import is_control_token, is_unassigned


def test_every_current_symbol_is_current_and_no_old_one_is(shared_data):
    known = json.loads((shared_data / "vocabularies" / "geneformer_gene_name_id_dict.json").read_text())
    assert set(RENAMED.values()) <= set(known)
    assert not set(RENAMED) & set(known)


def test_the_table_is_one_to_one_and_holds_no_other_words():
    names = [*RENAMED, *RENAMED.values()]
    assert len(set(names)) == len(names)
    assert not [name for name in names if is_control_token(name) or is_unassigned(name)]


@given(st.sampled_from(sorted(RENAMED)), st.booleans())
def test_whichever_spelling_is_measured_is_used(old, modern):
    panel = [RENAMED[old] if modern else old]
    assert {Aliases(panel).resolve(gene) for gene in (old, RENAMED[old])} == set(panel)
    assert {old, RENAMED[old]} <= Aliases(panel).symbols


def test_measured_genes_keep_their_names():
    both = Aliases(["MARS", "MARS1"])
    assert (both.resolve("MARS"), both.resolve("MARS1")) == ("MARS", "MARS1")


def test_unmeasured_genes_keep_theirs_unless_both_occur():
    assert Aliases([]).resolve("MARS") == "MARS"
    assert Aliases([], occurring={"MARS", "MARS1"}).resolve("MARS") == "MARS1"


def test_the_user_comes_first_but_not_out_of_the_panel():
    given_ = {"MARS": "METS", "A": "B"}
    assert Aliases(["MARS1"], given_).resolve("MARS") == "METS"
    assert Aliases(["A", "B"], given_).resolve("A") == "B"
    assert Aliases(["A"], given_).resolve("A") == "A"
    assert Aliases(["A"], given_).resolve("B") == "A"


def test_two_measured_spellings_are_not_chosen_between():
    with pytest.raises(
        InputError, match=r"is another name of 'A' and 'C', which are both measured\. Say which in aliases="
    ):
        Aliases(["A", "C"], {"A": "B", "C": "B"}).resolve("B")


@pytest.mark.parametrize(
    ("name", "genes", "suggested"),
    [
        ("klf1", ["KLF1", "KLF2"], "KLF1"),
        ("NKX25", ["NKX2-5", "NKX2-1"], "NKX2-5"),
        ("MAP3K21", ["KIAA1804", "MAP3K2"], "KIAA1804"),
        ("KIAA1804", ["MAP3K21"], "MAP3K21"),
        ("GTA1", ["GATA1", "GATA2"], "GATA1"),
        ("REG2", ["REG02", "REG20"], "REG02"),
        ("ARID1A", ["ARID5A", "ARID1B", "ARID2"], ""),
        ("KLF1", ["KLF2", "KLF10", "ELF1"], ""),
        ("TP53", ["TP63", "TP73"], ""),
    ],
)
def test_only_other_spellings_of_a_gene_are_suggested(name, genes, suggested):
    assert did_you_mean_gene(name, genes) == (f" Did you mean {suggested!r}?" if suggested else "")
