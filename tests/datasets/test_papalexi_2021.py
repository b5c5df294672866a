import runpy
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.datasets import papalexi_2021

layouts = runpy.run_path(str(Path(__file__).parent / "_layouts.py"))


def test_guides_of_scperturb_are_read_as_genes(tmp_path):
    labels = ["control", "STAT2g1", "STAT2g3", "NOTMEASUREDg2", "NTg1"]
    layouts["scperturb"](labels, cell_line="THP-1").write_h5ad(tmp_path / "x.h5ad")
    found = papalexi_2021(path=tmp_path / "x.h5ad")
    assert found.obs["perturbation"].tolist() == ["control", "STAT2", "STAT2", "NOTMEASURED", "control"]
    assert found.obs["label"].tolist() == labels
    assert set(found.obs["cell_line"]) == {"THP-1"}


def test_sceptre_file(tmp_path):
    file = layouts["sceptre"](["non-targeting", "STAT2", "SPI1"])
    file.write_h5ad(tmp_path / "x.h5ad")
    found = papalexi_2021("sceptre", path=tmp_path / "x.h5ad")
    assert found.obs["perturbation"].tolist() == ["control", "STAT2", "SPI1"]
    np.testing.assert_array_equal(found.obs["n_counts"], file.obs["n_counts"])  # as the file has it


def test_sceptre_cannot_be_downloaded():
    with pytest.raises(InputError, match="'sceptre' cannot be downloaded"):
        papalexi_2021("sceptre")


def test_real_file(shared_data):
    path = shared_data / "papalexi2021_eccite" / "papalexi2021_eccite_rna_299genes.h5ad"
    if not path.is_file():
        pytest.skip(f"no {path}")
    found = papalexi_2021("sceptre", path=path)
    raw = ad.read_h5ad(path)
    assert found.shape == (20729, 299)
    assert found.obs["perturbation"].value_counts()["control"] == 2386
    assert found.obs["perturbation"].nunique() == 26
    targets = raw.obs["target"].astype(str).replace("non-targeting", "control")
    assert (found.obs["perturbation"].astype(str) == targets).all()
