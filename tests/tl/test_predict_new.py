"""Predictions of new conditions: what is returned, refused, and warned of."""

import itertools
import runpy
from pathlib import Path

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import ConvergenceWarning, InputError

# What anndata and mudata ask of pandas 3 and pandas has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment|inplace keyword)")
fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))
simulated_fit = fits["simulated_fit"]


@pytest.fixture(scope="module")
def screen():
    return simulated_fit()


def test_layers_are_those_asked_for(screen):
    answer = sc_c.tl.predict_clamps(screen, ["REG01"], layers=("shift",))
    assert [name for name in answer.layers if name is not None] == ["shift"]
    with pytest.raises(InputError, match=r"'shifts' is no layer\. Did you mean 'shift'"):
        sc_c.tl.predict_clamps(screen, ["REG01"], layers=("shifts",))
    with pytest.raises(InputError, match=r"'predicted_sd' is no layer\. It needs an ensemble"):
        sc_c.tl.predict_clamps(screen, ["REG01"], layers="predicted_sd")
    with pytest.raises(InputError, match="asks for nothing"):
        sc_c.tl.predict_clamps(screen, ["REG01"], layers=())


def test_in_memory_answers_can_be_written_and_read(screen, tmp_path):
    answer = sc_c.tl.predict_clamps(screen, ["REG01+REG02", {"REG03": 1.5}])
    for suffix in ("h5ad", "zarr"):
        sc_c.write(answer, tmp_path / f"a.{suffix}")
        back = sc_c.read(tmp_path / f"a.{suffix}")
        np.testing.assert_array_equal(back.layers["additive"], answer.layers["additive"])
        assert list(back.obs["status"]) == list(answer.obs["status"])


def test_what_does_not_fit_is_refused_with_its_size_before_anything_is_solved(screen):
    triples = list(itertools.combinations(screen.uns["clamp"]["regulators"], 3))
    with sc_c.settings.override(max_memory=1e-5):
        with pytest.raises(InputError, match=r"56 conditions x 60 genes x 3 layers would take 4\.03e-05 GB.*out='pred"):
            sc_c.tl.predict_clamps(screen, triples)
        with pytest.raises(
            InputError, match=r"A layer of 340 cells x 60 genes would take .* GB.*Predict on fewer cells"
        ):
            sc_c.tl.predict_clamps(screen)
    with sc_c.settings.override(max_memory=1.5e-5):
        assert sc_c.tl.predict_clamps(screen, triples, layers=("predicted",)).n_obs == 56


def bistable():
    """A network whose control oscillates under plain iteration; with REG01 held it settles."""
    screen = simulated_fit()
    A = np.zeros_like(screen.varm["true_A"])
    A[screen.var_names.get_loc("REG01"), 0] = -9.0
    screen.varm["true_A"] = A
    b = np.ones(screen.n_vars)
    b[screen.var_names.get_loc("REG01")] = 10.0
    screen.var["true_b"] = b
    screen.uns["truth"]["kinetics"] |= {"n": 8.0, "K": 5.0}
    fits["store_truth"](screen)
    return screen


def test_states_that_are_not_to_be_trusted_are_marked_kept_and_named():
    screen = bistable()
    with pytest.warns(ConvergenceWarning, match=r"2 of 3 conditions.*'control' \(unstable\), 'REG02' \(unstable\)"):
        answer = sc_c.tl.predict_clamps(screen, ["control", "REG01", "REG02"])
    assert list(answer.obs["status"]) == ["unstable", "converged", "unstable"]
    assert np.isfinite(answer.layers["predicted"]).all()
    assert np.isfinite(answer.layers["additive"][1]).all()
    assert np.isnan(answer.layers["additive"][2]).all()
    assert (answer.obs["spectral_radius"] >= 1).tolist() == [True, False, True]
    with pytest.warns(ConvergenceWarning):
        sc_c.tl.predict_clamps(screen)
    assert np.isfinite(screen.layers["clamp_predicted"]).all()
