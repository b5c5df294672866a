"""Labels of every dialect that reference loaders use, against what a reader would say they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scclamp._errors import InputError
from scclamp._labels import canonical, describe_dropped, is_control_token, is_unassigned, join, parse_labels

PANEL = ["AHR", "KLF1", "HLA-A", "RP11-54O7.1", "BRCA1/2", "NKX2_1", "MT_CO1", "CTRL"]

DIALECTS = {
    "gears": (["ctrl", "AHR+ctrl", "ctrl+KLF1 ", " KLF1+AHR"], ["control", "AHR", "KLF1", "AHR+KLF1"]),
    "pertpy": (["control", "KLF1", "KLF1+AHR"], ["control", "KLF1", "AHR+KLF1"]),
    "scperturb": (["control", "AHR", "KLF1", "AHR_KLF1"], ["control", "AHR", "KLF1", "AHR+KLF1"]),
    "dixit": (["control", "HLA-A", "HLA-A_KLF1"], ["control", "HLA-A", "HLA-A+KLF1"]),
    "state": (["non-targeting", "AHR"], ["control", "AHR"]),
    "norman raw": (
        ["NegCtrl0_NegCtrl0__NegCtrl0_NegCtrl0", "AHR_NegCtrl10__AHR_NegCtrl10", "AHR_KLF1__AHR_KLF1"],
        ["control", "AHR", "AHR+KLF1"],
    ),
    "comma": (["NT", "AHR,KLF1", "AHR | KLF1", "AHR;NT"], ["control", "AHR+KLF1", "AHR+KLF1", "AHR"]),
    "odd genes": (
        ["ctrl", "RP11-54O7.1", "BRCA1/2+NKX2_1", "NKX2_1_AHR", "NKX2_1__MT_CO1"],
        ["control", "RP11-54O7.1", "BRCA1/2+NKX2_1", "AHR+NKX2_1", "MT_CO1+NKX2_1"],
    ),
    "guide pair": (["ctrl", "AHR+AHR"], ["control", "AHR"]),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects(dialect):
    raw, expected = DIALECTS[dialect]
    report = parse_labels(raw, genes=PANEL)
    assert [report.mapped[label] for label in raw] == expected
    assert not report.dropped
    assert not report.ambiguous
    assert all(join(report.targets[name]) == name for name in expected)


def test_unmeasured_genes_split_once_they_occur_alone():
    raw = ["ctrl_FOO", "BAR_NegCtrl3", "FOO_BAR", "FOO_BAZ"]
    report = parse_labels(raw)
    assert report.mapped == {"ctrl_FOO": "FOO", "BAR_NegCtrl3": "BAR", "FOO_BAR": "BAR+FOO"}
    assert list(report.ambiguous) == ["FOO_BAZ"]


CONTROLS = (
    "ctrl|Control|non-targeting|non_targeting|NT|NTC|NegCtrl0|neg_ctrl|safe-targeting|sgNT|negative control"
    "|non-targeting control|NTC2|scrambled|unperturbed|Non.Targeting|NT-control|NT_0|mock"
)


@pytest.mark.parametrize("word", CONTROLS.split("|"))
def test_controls(word):
    assert is_control_token(word)
    assert canonical(word) == "control"


@pytest.mark.parametrize(
    "word", ["NT5E", "NTN1", "MOCOS", "NTRK1", "CTRB1", "CONTROLLER", "KLF1", "", "A+ctrl", "SAFE"]
)
def test_genes_are_no_controls(word):
    assert not is_control_token(word)


def test_a_word_for_two_things_is_neither():
    report = parse_labels(["Negative", "KLF1"])
    assert "may mean a control or a cell without a guide" in report.ambiguous["Negative"]
    assert parse_labels(["Negative"], control=["Negative"]).mapped == {"Negative": "control"}


@pytest.mark.parametrize(
    "word",
    ["", "  ", "nan", "NaN", "None", "unassigned", "Multiplet", "doublet", "<NA>", "*", "-", "multi-guide", "no_gRNA"],
)
def test_unassigned(word):
    assert is_unassigned(word)
    report = parse_labels([word, "KLF1"])
    assert report.dropped == {word: "names no perturbation"}
    assert report.mapped == {"KLF1": "KLF1"}
    with pytest.raises(InputError, match="names no perturbation"):
        canonical(word)


def test_named_controls_are_taken_literally():
    report = parse_labels(
        ["DMSO_nt", "AHR", "AHR+DMSO_nt", "AHR_DMSO_nt", "AHR+ctrl"], genes=PANEL, control=["DMSO_nt"]
    )
    assert list(report.mapped.values()) == ["control", "AHR", "AHR", "AHR", "AHR"]
    # The human gene CTRL is a gene once the control is known to be another label.
    assert parse_labels(["x", "CTRL"], genes=PANEL, control=["x"]).mapped == {"x": "control", "CTRL": "CTRL"}
    assert parse_labels(["CTRL"], genes=PANEL).mapped == {"CTRL": "control"}
    assert parse_labels(["none"], control=["none"]).mapped == {"none": "control"}


def test_a_gene_cannot_be_called_control_or_nothing():
    report = parse_labels(["", "x", "control", "A+control"], genes=["", "control", "A"], control=["x"])
    assert report.mapped == {"x": "control", "A+control": "A"}
    assert list(report.dropped) == [""]
    assert list(report.ambiguous) == ["control"]


@pytest.mark.parametrize("label", ["non-targeting", "ctrl+NTC"])
def test_control_that_was_not_named_is_no_gene(label):
    report = parse_labels(["DMSO", label], control=["DMSO"])
    assert "looks like a control" in report.ambiguous[label]


@pytest.mark.parametrize(
    ("label", "genes", "message"),
    [
        ("FOO_BAR", ["FOO"], "neither a gene of the panel nor known genes"),
        ("A_B_C", ["A_B", "C", "A", "B_C"], "can be read as 'A\\+B_C' or 'A_B\\+C'"),
        ("AHR+", [], "empty part"),
        ("+", [], "empty part"),
        ("_", [], "neither"),
        ("_".join("A" * 40), ["A"], "neither"),
    ],
)
def test_uncertain_labels_are_named(label, genes, message):
    report = parse_labels([label], genes=genes)
    assert list(report.ambiguous) == [label]
    with pytest.raises(InputError, match=message) as error:
        canonical(label, genes=genes)
    assert repr(label) in str(error.value)


def test_plus_declares_the_separator():
    assert canonical("NKX9_9+control") == "NKX9_9"
    assert canonical("NKX9_9+AHR") == "AHR+NKX9_9"


def test_a_gene_with_a_plus_in_its_name():
    report = parse_labels(["A+B", "B+A"], genes=["A+B", "A", "B"])
    assert report.mapped == {"A+B": "A+B"}
    assert report.targets == {"A+B": ("A+B",)}
    assert "also the name of one gene" in report.ambiguous["B+A"]


def test_error_counts_the_other_labels():
    with pytest.raises(InputError, match=r"obs\['x'\] has the label 'a_b'.*'c_d' and|'c_d'"):
        parse_labels(["a_b", "c_d"]).require_readable("obs['x']")


def test_describe_dropped():
    assert describe_dropped("obs['x']", {"": 2, "doublet": 3}) == (
        "obs['x']: 5 observations without a known perturbation ('missing', 'doublet') are left out."
    )
    assert "1 observation without a known perturbation ('nan') is left out" in describe_dropped("x", {"nan": 1})


@pytest.mark.parametrize("label", ["AHR/KLF1", "AHR:KLF1", "AHR - KLF1", "AHR-KLF1", "AHR KLF1", "AHR-ctrl"])
def test_a_combination_is_never_taken_for_a_gene_of_its_own(label):
    report = parse_labels(["ctrl", "AHR", label], genes=["KLF1"])
    assert "may be one gene or" in report.ambiguous[label]
    # ... unless it is one, or is written as one.
    assert parse_labels([label], genes=["AHR", "KLF1", label]).mapped == {label: label}
    assert parse_labels([f"{label}+control"], genes=["AHR", "KLF1"]).mapped == {f"{label}+control": label}


def test_an_ampersand_joins_genes():
    assert parse_labels(["AHR & KLF1", "KLF1&AHR"], genes=["AHR", "KLF1"]).targets == {"AHR+KLF1": ("AHR", "KLF1")}


gene = st.from_regex(r"[A-Z][A-Z0-9]{1,4}([-./][A-Z0-9]{1,3})?", fullmatch=True).filter(
    lambda g: not is_control_token(g) and not is_unassigned(g)
)


@given(genes=st.lists(gene, min_size=1, max_size=4, unique=True), data=st.data())
def test_canonical_is_a_fixed_point_and_ignores_order(genes, data):
    shuffled = data.draw(st.permutations([*genes, "ctrl"]))
    name = canonical("+".join(shuffled))
    assert name == "+".join(sorted(genes))
    assert canonical(name) == name
    separator = data.draw(st.sampled_from(["_", "__", ",", "|"]))
    assert canonical(separator.join(shuffled), genes=genes) == name


@given(labels=st.lists(st.text("AB_+,| ctrl", max_size=10), max_size=6), genes=st.lists(gene, max_size=3))
def test_every_label_ends_in_exactly_one_place(labels, genes):
    report = parse_labels(labels, genes=genes)
    places = [set(report.mapped), set(report.dropped), set(report.ambiguous)]
    assert set().union(*places) == set(labels)
    assert sum(map(len, places)) == len(set(labels))
