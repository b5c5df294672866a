import hashlib
import runpy
import zipfile
from io import BytesIO
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputWarning
from scclamp.datasets import _load, norman_2019
from scclamp.datasets._registry import Member

layouts = runpy.run_path(str(Path(__file__).parent / "_layouts.py"))
LABELS = ["control", "KLF1", "KLF1_GATA1", "AHR_KLF1", "control", "GATA1"]
CANONICAL = ["control", "KLF1", "GATA1+KLF1", "AHR+KLF1", "control", "GATA1"]
CONDITIONS = ["ctrl", "KLF1+ctrl", "ctrl+KLF1", "KLF1+GATA1", "GATA1+KLF1", "AHR+ctrl "]


def _written(tmp_path, adata):
    path = tmp_path / "x.h5ad"
    adata.write_h5ad(path)
    return path


def test_scperturb_file(tmp_path):
    file = layouts["scperturb"](LABELS)
    found = norman_2019(path=_written(tmp_path, file))
    assert found.obs["perturbation"].tolist() == CANONICAL
    assert found.obs["label"].tolist() == LABELS
    assert list(found.var_names) == layouts["GENES"]
    np.testing.assert_array_equal(found.X.toarray(), file.X.toarray())
    np.testing.assert_array_equal(found.obs["n_counts"], file.X.toarray().sum(axis=1))
    assert set(found.obs["cell_line"]) == {"K562"}
    assert set(file.obs.columns) <= set(found.obs.columns)
    assert found.uns["dataset"]["X"] == "counts"
    assert found.uns["dataset"]["checksum_source"] == "none: a local file"


def test_gears_file(tmp_path):
    file = layouts["gears"](CONDITIONS)
    with pytest.warns(InputWarning, match="says 'A549'; the cells are K562") as caught:
        found = norman_2019("gears", path=_written(tmp_path, file))
    (warning,) = [w for w in caught if w.category is InputWarning]
    assert warning.filename == __file__
    assert found.obs["perturbation"].tolist() == ["control", "KLF1", "KLF1", "GATA1+KLF1", "GATA1+KLF1", "AHR"]
    assert found.obs["condition"].tolist() == found.obs["label"].tolist() == CONDITIONS
    assert set(found.obs["cell_type"]) == set(found.obs["cell_line"]) == {"K562"}
    assert list(found.var_names) == layouts["GENES"]
    assert found.var["gene_id"].tolist() == list(file.var_names)
    assert found.X.format == found.layers["counts"].format == "csr"
    np.testing.assert_array_equal(found.X.toarray(), file.X.toarray())
    np.testing.assert_array_equal(found.layers["counts"].toarray(), file.layers["counts"])
    assert found.uns["dataset"]["X"] == "log1p"
    assert "n_counts" not in found.obs  # these genes are not the whole transcriptome


def test_gears_file_without_counts_says_so(tmp_path):
    path = _written(tmp_path, layouts["gears"](CONDITIONS, cell_type="K562", dense_counts=False))
    found = norman_2019("gears", path=path)
    assert "no raw counts" in found.uns["dataset"]["notes"][0]


def test_real_gears_file(shared_data):
    path = shared_data / "perturbench_devel" / "gears_style_subset.h5ad"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with (
        pytest.warns(InputWarning, match="says 'A549'"),
        pytest.warns(InputWarning, match="None of the 42 perturbed genes"),
    ):
        found = norman_2019("gears", path=path)
    raw = ad.read_h5ad(path)
    # an independent reading of GEARS' labels
    expected = ["+".join(sorted(set(c.split("+")) - {"ctrl"})) or "control" for c in raw.obs["condition"]]
    assert found.obs["perturbation"].tolist() == expected
    assert list(found.var_names) == raw.var["feature_name"].tolist()
    assert found.uns["dataset"]["digest"] == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_archive_is_downloaded_and_opened(server, cache, tmp_path, monkeypatch):
    content = _written(tmp_path, layouts["gears"](CONDITIONS, cell_type="K562")).read_bytes()
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("norman/perturb_processed.h5ad", content)
        archive.writestr("norman/go.csv", "source,target")
    server.body = buffer.getvalue()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    member = Member("norman/perturb_processed.h5ad", "gears_norman.h5ad", len(content), digest, "multi")
    entry = server.entry("html_202", "file", name="gears_norman.zip", member=member)
    monkeypatch.setitem(_load.REGISTRY, "norman_2019/gears", entry)
    found = norman_2019("gears")
    assert found.uns["dataset"]["digest"] == digest
    assert found.uns["dataset"]["checksum_source"] == "multi"
    assert (cache / "gears_norman.h5ad").read_bytes() == content


def test_result_can_be_stored_and_made_a_panel(tmp_path):
    found = norman_2019(path=_written(tmp_path, layouts["scperturb"](LABELS)))
    sc_c.write(found, tmp_path / "y.h5ad")
    again = sc_c.read(tmp_path / "y.h5ad")
    assert again.uns["dataset"]["source"] == "scperturb"
    panel = sc_c.pp.recipe(found, n_top_genes=None)
    assert panel.var["perturbed"].sum() == 3
    np.testing.assert_array_equal(panel.layers["counts"].toarray(), found.X.toarray())
