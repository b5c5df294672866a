import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning

pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment|inplace keyword)")
fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


@pytest.fixture(scope="module")
def screen():
    screen = fits["simulated_fit"]()
    sc_c.tl.predict_clamps(screen)
    return screen


def observed_mean(screen, condition, gene):
    cells = (screen.obs["perturbation"] == condition).to_numpy()
    return screen[cells, gene].X.mean()


def test_new_conditions_become_rows(screen):
    answer = sc_c.tl.predict_clamps(screen, ["REG02+REG01", "REG03", {"REG01": 2.0}])
    table = sc_c.get.predictions(answer)
    assert list(table.columns) == ["condition", "gene", "predicted", "shift", "additive"]
    assert len(table) == 3 * 60
    for layer in ("predicted", "shift", "additive"):
        wide = table.pivot(index="condition", columns="gene", values=layer)
        np.testing.assert_array_equal(wide.loc[answer.obs_names, answer.var_names], answer.layers[layer])


def test_conditions_and_genes_can_be_chosen_in_any_order(screen):
    answer = sc_c.tl.predict_clamps(screen, ["REG02+REG01", "REG03"])
    table = sc_c.get.predictions(answer, conditions=["REG03", "REG02+REG01"], genes=["GENE0002", "REG01"])
    assert table["condition"].tolist() == ["REG03", "REG03", "REG01+REG02", "REG01+REG02"]
    assert table["gene"].tolist() == ["GENE0002", "REG01"] * 2
    np.testing.assert_array_equal(
        table["predicted"], answer[["REG03", "REG01+REG02"], ["GENE0002", "REG01"]].layers["predicted"].ravel()
    )


def test_observed_means_stand_beside(screen):
    pair = next(str(name) for name in screen.uns["truth"]["conditions"] if "+" in str(name))
    answer = sc_c.tl.predict_clamps(screen, {"mine": pair, "never seen": "REG01+REG02+REG03"})
    table = sc_c.get.predictions(answer, genes="GENE0004", observed=screen).set_index("condition")
    assert table.loc["mine", "observed"] == pytest.approx(observed_mean(screen, pair, "GENE0004"), rel=1e-6)
    assert np.isnan(table.loc["never seen", "observed"])


def test_a_screen_has_one_row_for_each_condition_and_its_own_means(screen):
    table = sc_c.get.predictions(screen, genes=["GENE0004", "REG01"])
    names = [str(name) for name in screen.uns["truth"]["conditions"]]
    assert list(table["condition"].cat.categories) == names
    assert len(table) == 2 * len(names)
    row = table[(table["condition"] == "REG05") & (table["gene"] == "GENE0004")].iloc[0]
    states = dict(zip(names, screen.varm["true_states"].T[:, screen.var_names.get_loc("GENE0004")], strict=True))
    assert row["predicted"] == pytest.approx(states["REG05"], rel=1e-4)
    assert row["shift"] == pytest.approx(states["REG05"] - states["control"], abs=1e-5)
    assert row["observed"] == pytest.approx(observed_mean(screen, "REG05", "GENE0004"), rel=1e-6)


def test_conditions_that_were_not_predicted_are_left_out(screen):
    partly = screen.copy()
    labels = partly.obs["perturbation"].astype(object)
    labels.iloc[0] = "GENE0001"
    partly.obs["perturbation"] = labels
    with pytest.warns(InputWarning, match="1 cell of conditions with a gene that has no column"):
        sc_c.tl.predict_clamps(partly)
    assert "GENE0001" not in sc_c.get.predictions(partly, genes="REG01")["condition"].tolist()


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_the_table_is_the_same_after_a_file(screen, suffix, tmp_path):
    sc_c.write(screen, tmp_path / f"a.{suffix}")
    stored = sc_c.read(tmp_path / f"a.{suffix}")
    pd.testing.assert_frame_equal(sc_c.get.predictions(stored), sc_c.get.predictions(screen))


def test_errors_name_the_argument(screen):
    answer = sc_c.tl.predict_clamps(screen, ["REG01+REG02"])
    with pytest.raises(InputError, match=r"conditions: 'REG01\+REG03' is not there\. Did you mean 'REG01\+REG02'"):
        sc_c.get.predictions(answer, conditions="REG03+REG01")
    with pytest.raises(InputError, match=r"genes: 'REG1' is not there\. Did you mean 'REG01'"):
        sc_c.get.predictions(answer, genes="REG1")
    with pytest.raises(
        InputError, match=r"adata has no layers\['clamp_predicted'\]\. Call scclamp\.tl\.predict_clamps"
    ):
        sc_c.get.predictions(fits["simulated_fit"]())
    with (
        sc_c.settings.override(max_memory=1e-6),
        pytest.raises(
            InputError, match=r"A table of 1 conditions x 60 genes would take .* Choose some with conditions="
        ),
    ):
        sc_c.get.predictions(answer)
