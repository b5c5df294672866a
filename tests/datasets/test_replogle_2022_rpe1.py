import runpy
from pathlib import Path

from scclamp.datasets import replogle_2022_rpe1

layouts = runpy.run_path(str(Path(__file__).parent / "_layouts.py"))


def test_scperturb_file(tmp_path):
    layouts["scperturb"](["control", "GATA1", "SPI1"], cell_line="RPE1").write_h5ad(tmp_path / "x.h5ad")
    found = replogle_2022_rpe1(path=tmp_path / "x.h5ad")
    assert found.obs["perturbation"].tolist() == ["control", "GATA1", "SPI1"]
    assert set(found.obs["cell_line"]) == {"RPE1"}


def test_gears_file(tmp_path):
    layouts["gears"](["ctrl", "GATA1+ctrl"], cell_type="rpe1").write_h5ad(tmp_path / "x.h5ad")
    found = replogle_2022_rpe1("gears", path=tmp_path / "x.h5ad")
    assert found.obs["perturbation"].tolist() == ["control", "GATA1"]
    assert set(found.obs["cell_line"]) == {"RPE1"}
