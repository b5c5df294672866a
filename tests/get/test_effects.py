import dataclasses
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp._storage import decode, encode
from scclamp.get._effects import product_effects

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))
CONTROL, LATENT = 1.5, 2


@pytest.fixture(params=[1, 3])
def screen(request):
    """A knock-out screen of which one regulator is not measured and has the response to its loss as its weights."""
    screen = fits["simulated_fit"](n_members=request.param, spread=0.2, params={"point": "first"})
    fit = decode(screen)
    latent = np.arange(8) == LATENT
    doses = np.vstack([np.zeros(8), np.diag(latent.astype(float))])
    changed = {"regulator_rows": np.where(latent, -1, fit.regulator_rows)}
    changed |= {"control_mean": np.full_like(fit.control_mean, CONTROL)}
    changed |= {"conditions": fit.conditions | {"clamp_values": doses}}
    encode(screen, dataclasses.replace(fit, **changed))
    return screen


def hill(x, fit):
    n, K = (float(np.atleast_1d(fit.kinetics[name])[0]) for name in ("n", "K"))
    return x**n / (K**n + x**n)


def test_effects_are_weights_times_what_the_activation_moved(screen):
    fit = decode(screen)
    moved = np.where(fit.regulator_rows < 0, hill(1.0, fit), hill(1e-6, fit) - hill(CONTROL, fit))
    expected = fit.A.astype(float) * moved / fit.kinetics["gamma"]
    np.testing.assert_allclose(product_effects(fit, "gain", np.arange(8)), expected, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(
        product_effects(fit, "loss", np.array([5, 2])), -expected[:, [5, 2]], rtol=1e-5, atol=1e-9
    )


def test_equal_losses_have_equal_effects_whether_measured_or_not(screen):
    """The same fall of a target is a positive weight of a measured regulator and a negative one of a latent one."""
    fit = decode(screen)
    A = fit.A.copy()
    target = 20
    A[target, 0], A[target, LATENT] = 0.5 / (hill(CONTROL, fit) - hill(1e-6, fit)), -0.5 / hill(1.0, fit)
    members = fit.members | ({"A": np.stack([A] * 3)} if "A" in fit.members else {})
    encode(screen, dataclasses.replace(fit, A=A, members=members))
    edges = sc_c.get.adjacency(screen, targets=screen.var_names[target], effect="loss").set_index("regulator")
    pair = edges.loc[["REG01", "REG03"]]
    assert pair["latent"].tolist() == [False, True]
    assert np.sign(pair["weight"]).tolist() == [1, -1]
    np.testing.assert_allclose(pair["effect"], 0.5, rtol=1e-5)


def test_tables_follow_the_effect(screen):
    edges = sc_c.get.adjacency(screen, effect="loss")
    assert edges["effect"].abs().is_monotonic_decreasing
    assert edges.loc[edges["latent"], "regulator"].unique().tolist() == ["REG03"]
    up = sc_c.get.top_targets(screen, n=3, sign="positive", effect="loss")
    assert (up["effect"] > 0).all()
    assert (np.sign(up["weight"]) == np.where(up["latent"], -1, 1)).all()
    assert "effect" not in sc_c.get.top_targets(screen)


def test_a_perturbation_that_moved_nothing_keeps_the_order_of_its_weights(screen):
    fit = decode(screen)
    encode(screen, dataclasses.replace(fit, control_mean=np.zeros_like(fit.control_mean)))
    still = sc_c.get.top_targets(screen, "REG01", n=5, effect="loss")
    assert (still["effect"] == 0).all()
    pd.testing.assert_series_equal(still["target"], sc_c.get.top_targets(screen, "REG01", n=5)["target"])


def test_only_gain_and_loss_are_known(screen):
    with pytest.raises(InputError, match="effect='knockout' is not known"):
        sc_c.get.adjacency(screen, effect="knockout")
