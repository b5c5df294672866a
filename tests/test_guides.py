"""Guide names and contexts against the genes they are made of; what is no guide is left alone."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scclamp._guides import strip_contexts, strip_guides
from scclamp._labels import is_control_token


def strip(labels, known=()):
    return strip_guides(labels, set(known).__contains__, is_control_token)


@pytest.mark.parametrize(
    ("labels", "genes"),
    [
        (["STAT2g1", "STAT2g2", "NTg1"], ["STAT2+control", "STAT2+control", "NT"]),
        (["FOO_pDS12", "FOO_pDS13"], ["FOO+control"] * 2),
        (["sgFOO", "sgBAR"], ["FOO+control", "BAR+control"]),
        (["sgFOO_1", "sgFOO_2", "sgBAR_1"], ["FOO+control", "FOO+control", "BAR+control"]),
        (["FOO_sg1", "FOO_sg2"], ["FOO+control"] * 2),
        (["FOOg1_BARg1", "FOOg2", "BARg2"], ["FOO+BAR", "FOO+control", "BAR+control"]),
        (["HLA-A_+_5.23-P1P2"], ["HLA-A+control"]),
        (["A_+_5.23-P1P2,B_-_6.23-ENST001.1,ENST002.2"], ["A+B"]),
    ],
)
def test_guides_of_unmeasured_genes(labels, genes):
    assert list(strip(labels).values()) == genes


@pytest.mark.parametrize(
    "labels",
    [
        ["Atg5", "Reg1", "Bag3", "Klf1"],
        ["NKX2-1", "NKX2-5", "HLA-A"],
        ["AC01234.1", "AC01234.2"],
        ["STAT2g1", "KLF1"],
        ["AHR_KLF1__AHR_KLF1", "AHR"],
        ["ctrl", "AHR+ctrl"],
    ],
)
def test_genes_are_no_guides(labels):
    assert strip(labels) == {}


def test_a_known_gene_is_believed_alone():
    known = ["STAT2", "NKX2-1", "KLF1g2"]
    assert strip(["STAT2-3", "NKX2-1", "NKX2-1.2", "KLF1g2", "other"], known) == {
        "STAT2-3": "STAT2+control",
        "NKX2-1.2": "NKX2-1+control",
    }


def test_guides_beside_genes():
    assert strip(["STAT2g1+JAK2", "STAT2g1+ctrl", "STAT2g1+nobody"], ["STAT2", "JAK2"]) == {
        "STAT2g1+JAK2": "STAT2+JAK2",
        "STAT2g1+ctrl": "STAT2+control",
    }


@given(st.lists(st.sampled_from(["AHR", "HLA-A", "C19orf26", "NKX2-1"]), min_size=1, max_size=3, unique=True))
def test_sites_need_no_panel(genes):
    label = "|".join(f"{gene}_{'+-'[i % 2]}_{100 + i}.23-P1P2" for i, gene in enumerate(genes))
    (found,) = strip([label]).values()
    assert set(found.split("+")) - {"control"} == set(genes)


def test_norman_library(shared_data):
    guides = pd.read_csv(shared_data / "norman2019_pseudobulk" / "guides.csv")
    found = strip(guides["guide_id"])
    assert [found[label] for label in guides["guide_id"]] == [f"{gene}+control" for gene in guides["gene"]]


def test_contexts():
    labels = ["T_cell_ctrl_1", "K_ctrl_1", "T_cell_A+B_1.0+1.0", "K_A+ctrl_1+1"]
    assert list(strip_contexts(labels, is_control_token).values()) == ["ctrl", "ctrl", "A+B", "A+ctrl"]
    # One label of another form, a context without controls, doses that do not fit: nothing is taken off.
    for odd in ("A+B", "X_A+ctrl_1+1", "K_A+B_1"):
        assert strip_contexts([*labels, odd], is_control_token) == {}
