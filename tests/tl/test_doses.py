"""Where requests without a dose are held."""

import dataclasses
import runpy
from pathlib import Path

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning
from scclamp._storage import decode, encode
from scclamp.conditions import Conditions
from scclamp.datasets import simulated
from scclamp.tl import fit
from scclamp.tl._doses import usual_doses

# What anndata and mudata ask of pandas 3 and pandas has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment|inplace keyword)")
fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))
simulated_fit = fits["simulated_fit"]


@pytest.fixture(scope="module")
def screen():
    return simulated_fit()


def test_doses_far_above_what_was_measured_are_named(screen):
    single = usual_doses(decode(screen))
    limit = single[:2] + np.log(10)
    sc_c.tl.predict_clamps(screen, [{"REG01": limit[0] - 1e-6, "REG02": limit[1] - 1e-6}, {"REG03": 0.0}, "REG04"])
    asked = [{"REG01": limit[0] + 1.0}, {"REG01": limit[0] + 0.5, "REG02": 0.0}, "REG03"]
    largest = rf"'REG01' at {limit[0] + 1:g} \(largest mean {single[0]:.3g}\)\. No cells"
    with pytest.warns(InputWarning, match=largest) as caught:
        sc_c.tl.predict_clamps(screen, asked)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_a_high_control_is_measured_too(screen):
    high = screen.copy()
    fitted = decode(high)
    encode(high, dataclasses.replace(fitted, control_mean=np.full_like(fitted.control_mean, 8.0)))
    sc_c.tl.predict_clamps(high, [{"REG01": 10.0}])
    with pytest.warns(InputWarning, match="largest mean 8"):
        sc_c.tl.predict_clamps(high, [{"REG01": 10.4}])


def test_observed_values_are_those_of_the_combinations_own_cells(screen):
    pair = next(str(name) for name in screen.uns["truth"]["conditions"] if "+" in str(name))
    answer = sc_c.tl.predict_clamps(screen, [pair, {"REG01": 1.0}], clamp_values="observed")
    genes = pair.split("+")
    cells = screen[(screen.obs["perturbation"] == pair).to_numpy(), genes].X.mean(0)
    held = answer[pair, genes].layers["predicted"]
    np.testing.assert_allclose(held, np.asarray(cells), rtol=1e-5)
    assert [float(d) for d in answer.obs.loc[pair, "doses"].split("+")] == pytest.approx(held[0].tolist(), rel=1e-3)
    assert all(len(d.replace(".", "").lstrip("0")) <= 4 for d in answer.obs.loc[pair, "doses"].split("+"))
    other = screen[screen.obs["perturbation"] != pair].copy()
    again = sc_c.tl.predict_clamps(other, [pair], clamp_values="observed", source=screen)
    np.testing.assert_array_equal(again.layers["predicted"][0], answer.layers["predicted"][0])
    with pytest.raises(InputError, match=r"1 requested conditions have no cells in obs\['perturbation'\] of source"):
        sc_c.tl.predict_clamps(other, [pair], clamp_values="observed")
    with pytest.raises(InputError, match=f"source does not measure {genes[0]!r}"):
        sc_c.tl.predict_clamps(
            screen, [pair], clamp_values="observed", source=screen[:, screen.var_names != genes[0]].copy()
        )


def test_a_latent_regulator_has_a_dose_from_zero_to_one():
    screen = sc_c.datasets.simulated("tiny", n_unmeasured=2)
    sc_c.tl.fit(screen, unmeasured="latent", max_epochs=5)
    hidden = sorted({*screen.uns["clamp"]["regulators"]} - {*screen.var_names})
    assert len(hidden) == 2
    one = hidden[0]
    requests = [one, {one: 1.0}, {one: 0.5}, {one: 0.0}, "control", hidden]
    state = sc_c.tl.predict_clamps(screen, requests).layers["predicted"]
    np.testing.assert_array_equal(state[0], state[1])
    np.testing.assert_allclose(state[3], state[4], atol=1e-5)
    assert np.abs(state[2] - state[4]).max() > 0.01
    assert np.abs(state[2] - state[0]).max() > 0.01
    sc_c.tl.predict_clamps(screen, clamp_values="observed")
    cell = int(np.flatnonzero(screen.obs["perturbation"] == one)[0])
    np.testing.assert_allclose(screen.layers["clamp_predicted"][cell], state[0], atol=1e-5)


@pytest.mark.parametrize("bootstrap", [False, True])
def test_what_was_fitted_is_what_is_asked(bootstrap):
    screen = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(screen, max_epochs=5, n_seeds=2, bootstrap=bootstrap)
    clamps = screen.uns["clamp"]["conditions"]
    single = float(clamps["clamp_values"][list(clamps["names"]).index("REG04"), 3])
    answer = sc_c.tl.predict_clamps(screen, ["REG04", {"REG04": single}])
    assert answer.to_df("predicted").loc["REG04", "REG04"] == np.float32(single)
    np.testing.assert_array_equal(answer.layers["predicted"][0], answer.layers["predicted"][1])
    assert answer.layers["predicted_sd"].max() > 0


def test_resampled_fits_are_asked_at_the_mean_of_all_training_cells():
    """Not at the mean of the replicates' means, which misses it by the chance of the draw."""
    plain, resampled = simulated("tiny"), simulated("tiny")
    for adata, bootstrap in ((plain, False), (resampled, True)):
        fit(adata, max_epochs=2, n_seeds=2, bootstrap=bootstrap, rng=0)
    expected = Conditions.from_anndata(plain, rng=0)
    names = {"control", *expected.regulators}
    assert {str(n) for n in plain.uns["clamp"]["diagnostics"]["condition"]} == names
    for adata in (plain, resampled):
        np.testing.assert_array_equal(adata.uns["clamp"]["conditions"]["clamp_values"], expected.clamp_values)
        row = {t: i for i, t in enumerate(expected.targets)}
        means = [expected.train_mean[row[(g,)], expected.genes.index(g)] for g in expected.regulators]
        np.testing.assert_array_equal(usual_doses(decode(adata)), means)
