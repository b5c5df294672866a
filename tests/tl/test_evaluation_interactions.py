"""Fits to halves hold genes where the whole fit does, in training and in prediction."""

import dataclasses

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._storage import decode
from scclamp.fitting.load import stored_config
from scclamp.predictors import Clamp
from scclamp.tl._doses import usual_doses
from scclamp.tl._evaluation_interactions import of_network
from scclamp.tl._judged import Judged


@pytest.fixture(scope="module", params=["singles", "knockout"])
def fitted(request):
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, clamp_values=request.param, max_epochs=10, rng=0)
    return adata


def test_halves_are_held_where_the_fit_is(fitted):
    """By conditions that are read as the fit read them, and have its doses in every place."""
    result = decode(fitted, "clamp")
    doses = usual_doses(result)
    how = result.params["clamp_values"]
    assert (doses == 0).all() == (how == "knockout")
    judged = Judged.of(sc_c.Conditions.from_anndata(fitted, train_fraction=0.5, rng=1), None, result.regulators)
    found = of_network(judged, result, {"network": "calibrated"}, 3)["network"]
    for half, mine in zip(judged.halves, found, strict=True):
        held = np.where(half.clamp_mask, doses, 0.0)
        nobody = {"val_mean": np.full_like(half.val_mean, np.nan), "val_n": 0 * half.val_n}
        seen = dataclasses.replace(half, clamp_values=held, usual_values=held, **nobody)
        network = Clamp(config=stored_config(result)).fit(seen, rng=3)
        np.testing.assert_array_equal(network.doses_, doses)
        shift = {t: network.predict([t])[0] - seen.train_mean[0] for t in (*seen.targets, *judged.targets) if t}
        for target, values in zip(judged.targets, mine, strict=True):
            np.testing.assert_allclose(values, shift[target] - sum(shift[g,] for g in target), atol=1e-5)
