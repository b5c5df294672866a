"""Labels are brought to one form, once, and what was recognised is told."""

import argparse

import pytest

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning
from scclamp.cli._labels import harmonise

NONE = {"perturbation_key": None, "control": None, "alias": [], "ambiguous": "error", "verbose": False}


@pytest.fixture
def adata():
    return sc_c.datasets.simulated("tiny", n_cells_per_condition=3, n_control_cells=6)


def read(adata, **options):
    return harmonise(adata, argparse.Namespace(**(NONE | options)), None)


def relabel(adata, **names):
    """Move the labels into a column of their own, some of them renamed."""
    labels = adata.obs.pop("perturbation").astype(str)
    adata.obs["guide_target"] = labels.replace({old.replace("_", "+"): new for old, new in names.items()})


def test_other_dialects_are_recognised(adata):
    relabel(adata, control="non-targeting", REG01_REG05="REG05,REG01")
    text, record = read(adata)
    assert text.startswith("obs['perturbation'] from obs['guide_target']: 48 cells, 14 perturbations and the control")
    assert record.pop("control") == {"non-targeting": 6}
    assert record == {"column": "perturbation", "read_from": "guide_target", "renamed": {}, "left_out": {}}
    assert "REG01+REG05" in set(adata.obs["perturbation"])


def test_unusual_labels_are_explained(adata):
    relabel(adata, control="DMSO", REG01="sample 1", REG02="failed")
    options = {"perturbation_key": "guide_target", "control": ["DMSO"], "alias": ["sample 1=REG01", "failed="]}
    with pytest.warns(InputWarning, match="failed"):
        _, record = read(adata, **options)
    assert (adata.obs["perturbation"] == "REG01").sum() == 3
    assert record["left_out"] == {"failed": 3}
    assert (adata.obs["perturbation"] == "control").sum() == 6


def test_several_controls(adata):
    relabel(adata, control="DMSO", REG03="untouched")
    text, _ = read(adata, perturbation_key="guide_target", control=["DMSO", "untouched"])
    assert text.splitlines()[-1] == "  control: 'DMSO' (6 cells), 'untouched' (3 cells)"
    assert (adata.obs["perturbation"] == "control").sum() == 9


def test_one_cell_is_no_cells(adata):
    one = adata[
        (adata.obs["perturbation"] != "control") | (adata.obs["perturbation"] == "control").cumsum().eq(1)
    ].copy()
    assert read(one)[0].splitlines()[-1] == "  control: 'control' (1 cell)"


def test_guides_that_were_merged_and_doubles_are_named_on_request(adata):
    labels = adata.obs.pop("perturbation").astype(str)
    guides = labels + [
        f"_g{i % 2 + 1}" if name.startswith("REG") and "+" not in name else "" for i, name in enumerate(labels)
    ]
    adata.obs["guide"] = guides.to_numpy()
    text, _ = read(adata, perturbation_key="guide")
    assert "REG01_g1" not in text.partition("control:")[2]
    text, _ = read(adata, perturbation_key="guide", verbose=True)
    assert "  REG01 (3 cells): 'REG01_g1', 'REG01_g2'" in text.splitlines()
    doubles = sorted({name for name in labels if "+" in name})
    assert text.splitlines()[-1] == f"Combinations (6): {', '.join(doubles)}"


def test_labels_that_cannot_be_read_may_be_dropped(adata):
    relabel(adata, REG01="REG01/REG02")
    with pytest.raises(InputError, match="REG01/REG02"):
        read(adata)
    with pytest.warns(InputWarning):
        _, record = read(adata, ambiguous="drop")
    assert record["left_out"] == {"REG01/REG02": 3}


def test_labels_are_not_read_twice(adata):
    relabel(adata, REG01="sample 1")
    sc_c.pp.perturbations(adata, aliases={"sample 1": "REG01"}, added="canonical", show=False)
    before = adata.obs.copy()
    text, record = read(adata)
    assert (record["column"], record["read_from"]) == ("canonical", "guide_target")
    assert "obs['canonical'] from obs['guide_target']" in text
    assert adata.obs.equals(before)


def test_a_column_that_is_replaced_is_told(adata):
    adata.obs["guide_target"] = adata.obs["perturbation"].astype(str)
    adata.obs["perturbation"] = "CRISPRa"
    with pytest.warns(InputWarning, match=r"obs\['perturbation'\] is replaced"):
        read(adata)
    assert "REG01" in set(adata.obs["perturbation"])


@pytest.mark.parametrize("pair", ["p53", "=TP53"])
def test_what_is_no_alias(adata, pair):
    with pytest.raises(InputError, match="Write OLD=NEW"):
        read(adata, alias=[pair])
