"""A stored fit that is asked: in any order of the genes, in any chunks, by one member or many."""

import itertools
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import scclamp as sc_c
from scclamp.tl._fitted import Fitted

# What anndata and mudata ask of pandas 3 and pandas has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment|inplace keyword)")
fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))
simulated_fit = fits["simulated_fit"]


@pytest.fixture(scope="module")
def screen():
    return simulated_fit()


def test_genes_in_another_order_keep_their_values(screen):
    order = np.random.default_rng(0).permutation(screen.n_vars)
    shuffled = screen[:, order].copy()
    names = ["REG01+REG02", "control"]
    one, other = (sc_c.tl.predict_clamps(a, names) for a in (screen, shuffled))
    assert list(other.var_names) == list(shuffled.var_names)
    for layer in one.layers:
        if layer is not None:
            np.testing.assert_array_equal(one.layers[layer][:, order], other.layers[layer])
    np.testing.assert_array_equal(one.var["control"].to_numpy()[order], other.var["control"])


@pytest.mark.parametrize("point", ["mean", "first"])
def test_ensembles_answer_with_their_estimate_and_spread(point):
    screen = simulated_fit(n_members=3, spread=0.05, dtype="float64", params={"point": point})
    members = screen.uns["clamp"]["members"]
    pairs = [("REG01", "REG02"), {"REG03": 2.0}]
    answer = sc_c.tl.predict_clamps(screen, pairs)
    alone = []

    def estimate(values):
        return values[0] if point == "first" else np.mean(values, 0)

    for i in range(3):
        screen.varm["true_A"], screen.var["true_b"] = members["A"][i], members["b"][i]
        one = screen.copy()
        fits["store_truth"](one, dtype="float64")
        alone.append(sc_c.tl.predict_clamps(one, pairs))
        assert "predicted_sd" not in alone[-1].layers
    for layer in ("predicted", "shift", "additive"):
        np.testing.assert_allclose(answer.layers[layer], estimate([a.layers[layer] for a in alone]), atol=1e-6)
    np.testing.assert_allclose(answer.var["control"], estimate([a.var["control"] for a in alone]), atol=1e-6)
    predicted = np.stack([a.layers["predicted"] for a in alone])
    spread = np.sqrt(((predicted[1:] - predicted[0]) ** 2).mean(0)) if point == "first" else predicted.std(0, ddof=1)
    np.testing.assert_allclose(answer.layers["predicted_sd"], spread, atol=1e-6)
    assert spread.max() > 0.01


@pytest.mark.parametrize("chunk_size", [1, 5, None])
def test_chunks_change_no_answer(screen, chunk_size):
    doubles = [
        dict(zip(p, (1.0, 1.0 + i / 50), strict=True))
        for i, p in enumerate(itertools.combinations(screen.uns["clamp"]["regulators"], 2))
    ]
    whole = sc_c.tl.predict_clamps(screen, doubles, chunk_size=1000)
    parts = sc_c.tl.predict_clamps(screen, doubles, chunk_size=chunk_size)
    for layer in ("predicted", "shift", "additive"):
        np.testing.assert_allclose(parts.layers[layer], whole.layers[layer], atol=5e-6)


@pytest.mark.parametrize("law", [{"crowding": 0.3, "interaction": 0.4}, {"crowding": 0.0, "interaction": 1.0}])
def test_the_predictor_of_a_benchmark_answers_to_the_same_bit(screen, law):
    """One network is asked by masks there and by columns here."""
    fitted = Fitted(screen, "clamp")
    fitted.network.law = replace(fitted.network.law, **law)
    n = len(fitted.result.regulators)
    sets = [each for k in range(3) for each in itertools.combinations(range(n), k)]
    columns = np.array([[*each, -1, -1][:2] for each in sets])
    doses = np.where(columns >= 0, np.random.default_rng(0).uniform(0.2, 2.0, columns.shape), 0.0)
    mask, values = torch.zeros(len(sets), n, dtype=torch.bool), torch.zeros(len(sets), n, dtype=torch.float64)
    for row, each in enumerate(sets):
        mask[row, list(each)] = True
        values[row, list(each)] = torch.as_tensor(doses[row, : len(each)])
    shifts = fitted.network.shifts(mask, values.to(fitted.network.doses))
    (block,) = fitted.blocks(columns, doses, ("shift",))
    np.testing.assert_array_equal(shifts.value.numpy(), block.layers["shift"])
    np.testing.assert_array_equal(shifts.sound.numpy(), block.diagnostics["status"] == 0)
