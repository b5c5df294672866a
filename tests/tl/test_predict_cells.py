"""States of cells: of known conditions, of unknown ones, and of none."""

import runpy
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning

# What anndata and mudata ask of pandas 3 and pandas has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment|inplace keyword)")
fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))
simulated_fit = fits["simulated_fit"]
truth_of = fits["truth_of"]


@pytest.fixture(scope="module")
def screen():
    return simulated_fit()


def test_cells_get_the_state_of_their_condition():
    screen = simulated_fit()
    assert sc_c.tl.predict_clamps(screen) is None
    layer = screen.layers["clamp_predicted"]
    assert layer.dtype == np.float32
    expected = truth_of(screen).loc[screen.obs["perturbation"].astype(str)]
    np.testing.assert_allclose(layer, expected, rtol=1e-4, atol=1e-5)


def test_cells_of_no_known_condition_are_nan_and_counted():
    screen = simulated_fit()
    labels = screen.obs["perturbation"].astype(object)
    labels.iloc[:3] = [None, "doublet", np.nan]
    labels.iloc[3:5] = ["GENE0001", "REG01+GENE0001"]
    labels.iloc[5] = "REG02+REG01+ctrl"
    screen.obs["perturbation"] = labels
    with pytest.warns(InputWarning) as caught:
        sc_c.tl.predict_clamps(screen)
    (message,) = [str(w.message) for w in caught]
    assert "3 cells without a known perturbation" in message
    assert "2 cells of conditions with a gene that has no column ('GENE0001', 'GENE0001+REG01')" in message
    missing = np.isnan(screen.layers["clamp_predicted"])
    assert missing[:5].all()
    assert not missing[5:].any()
    pair = sc_c.tl.predict_clamps(screen, "REG01+REG02").layers["predicted"][0]
    np.testing.assert_allclose(screen.layers["clamp_predicted"][5], pair, rtol=1e-5)


def test_cells_without_any_predictable_condition_are_all_nan(screen):
    lost = screen[:4].copy()
    lost.obs["perturbation"] = "GENE0001"
    with pytest.warns(InputWarning, match="4 cells of conditions with a gene that has no column"):
        sc_c.tl.predict_clamps(lost)
    assert np.isnan(lost.layers["clamp_predicted"]).all()


def test_cells_without_a_control_among_them_are_predicted(screen):
    some = screen[screen.obs["perturbation"] == "REG01"].copy()
    sc_c.tl.predict_clamps(some)
    np.testing.assert_allclose(some.layers["clamp_predicted"][0], truth_of(screen).loc["REG01"], rtol=1e-4, atol=1e-5)


def test_another_column_can_hold_the_labels(screen):
    other = screen.copy()
    other.obs["guess"] = "REG02"
    sc_c.tl.predict_clamps(other, perturbation_key="guess")
    np.testing.assert_allclose(other.layers["clamp_predicted"][7], truth_of(screen).loc["REG02"], rtol=1e-4, atol=1e-5)
    with pytest.raises(
        InputError, match=r"perturbation_key='gues' is not a column of adata\.obs\. Did you mean 'guess'"
    ):
        sc_c.tl.predict_clamps(other, perturbation_key="gues")


def test_cells_of_a_file_on_disk_are_predicted(screen, tmp_path):
    sc_c.write(screen, tmp_path / "a.h5ad")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    sc_c.tl.predict_clamps(backed)
    inside = screen.copy()
    sc_c.tl.predict_clamps(inside)
    np.testing.assert_array_equal(backed.layers["clamp_predicted"], inside.layers["clamp_predicted"])
    view = backed[:10]
    with pytest.raises(InputError, match=r"adata is a view of a file\. Call adata\.to_memory\(\) first"):
        sc_c.tl.predict_clamps(view)
    backed.file.close()
