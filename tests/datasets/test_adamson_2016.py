import runpy
from pathlib import Path

import pytest

from scclamp._errors import InputWarning
from scclamp.datasets import adamson_2016

layouts = runpy.run_path(str(Path(__file__).parent / "_layouts.py"))
SCREEN = {
    "62(mod)_pBA581": "control",
    "63(mod)_pBA580": "control",
    "Gal4-4(mod)_pBA582": "control",
    "SPI1_pDS255": "SPI1",
    "ATF6_pDS363": "ATF6",
    "ZNF326_pDS262": "ZNF326",  # not measured
    "SARS_pDS999": "SARS1",  # measured under its new name
}
EPISTASIS = {
    "3x_neg_ctrl_pMJ144-1": "control",
    "3x_neg_ctrl_pMJ144-2": "control",
    "ATF6_only_pMJ145": "ATF6",
    "PERK_only_pMJ146": "EIF2AK3",
    "IRE1_only_pMJ148": "ERN1",
    "ATF6_PERK_pMJ150": "ATF6+EIF2AK3",
    "ATF6_IRE1_pMJ152": "ATF6+ERN1",
    "PERK_IRE1_pMJ154": "EIF2AK3+ERN1",
    "ATF6_PERK_IRE1_pMJ158": "ATF6+EIF2AK3+ERN1",
}


@pytest.mark.parametrize(("source", "labels"), [("screen", SCREEN), ("pilot", SCREEN), ("epistasis", EPISTASIS)])
def test_plasmids_are_read_as_genes(tmp_path, source, labels):
    layouts["scperturb"](list(labels)).write_h5ad(tmp_path / "x.h5ad")
    found = adamson_2016(source, path=tmp_path / "x.h5ad")
    assert dict(zip(found.obs["label"], found.obs["perturbation"], strict=True)) == labels


def test_cells_of_no_plasmid_are_counted_and_left_out(tmp_path):
    layouts["scperturb"](["*", "62(mod)_pBA581", "SPI1_pDS255", "*"]).write_h5ad(tmp_path / "x.h5ad")
    with pytest.warns(InputWarning, match="2 observations without a known perturbation"):
        found = adamson_2016(path=tmp_path / "x.h5ad")
    assert found.obs["perturbation"].isna().tolist() == [True, False, False, True]


def test_gears_file(tmp_path):
    layouts["gears"](["ctrl", "SPI1+ctrl"], cell_type="K562").write_h5ad(tmp_path / "x.h5ad")
    found = adamson_2016("gears", path=tmp_path / "x.h5ad")
    assert found.obs["perturbation"].tolist() == ["control", "SPI1"]
