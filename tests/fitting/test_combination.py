import dataclasses
import itertools

import numpy as np
import pytest
import torch

import scclamp as sc_c
from scclamp.fitting import Combination, FitConfig
from scclamp.fitting.combination import Parts, combine


def law_by_hand(norms, crowding, typical):
    pairs = sum(a * b for a, b in itertools.combinations(norms, 2))
    return 1 / np.sqrt(1 + crowding * pairs / typical)


def test_scale_is_the_formula_over_all_pairs():
    rng = np.random.default_rng(0)
    norms = rng.uniform(0, 5, (20, 4))
    norms[:5, 2:] = 0
    law = Combination(0.4, 0.5, 3.0)
    expected = [law_by_hand(row, 0.4, 3.0) for row in norms]
    np.testing.assert_allclose(law.scale(torch.from_numpy(norms)), expected, rtol=1e-12)


def test_a_single_and_a_padded_single_are_not_scaled():
    law = Combination(0.4, 0.5, 3.0)
    assert law.scale(torch.tensor([[7.0], [0.0]])).tolist() == [1, 1]
    assert law.scale(torch.tensor([[7.0, 0.0, 0.0]])).tolist() == [1]


def test_of_takes_the_mean_square_and_the_settings():
    law = Combination.of(FitConfig(crowding=0.3, interaction=0.2), torch.tensor([1.0, 3.0]))
    assert law == Combination(0.3, 0.2, 5.0)
    assert Combination.of(FitConfig.paper(), torch.tensor([1.0])).is_steady_state


def test_combine_by_hand():
    """Two measured regulators in genes 2 and 0, and a latent one; a single, a pair, a pair with one idle part, a triple."""
    rng = np.random.default_rng(2)
    control, value = rng.random(5), rng.random((4, 5))
    single = rng.standard_normal((4, 3, 5))
    mask = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0], [1, 1, 1]], bool)
    single[~mask] = 0
    single[2, 1] = 0
    held, rows = rng.random((4, 3)), np.array([2, 0, -1])
    norms = np.linalg.norm(single, axis=2)
    law = Combination(0.4, 0.5, 3.0)
    parts = Parts(*map(torch.from_numpy, (single.sum(1), norms, np.array([False, True, False, False]))))
    given = {n: torch.from_numpy(v) for n, v in {"rows": rows, "mask": mask, "held": held}.items()}
    found = combine(law, torch.from_numpy(control), torch.from_numpy(value), parts, **given)
    expected, scales = value.copy(), np.ones(4)
    for i in (1, 3):
        additive = single[i].sum(0)
        scales[i] = law_by_hand(norms[i], 0.4, 3.0)
        expected[i] = control + scales[i] * (additive + 0.5 * (value[i] - control - additive))
    for i, j in zip(*np.nonzero(mask[:, :2]), strict=True):
        expected[i, rows[j]] = held[i, j]
    np.testing.assert_allclose(found.value, expected, rtol=1e-12)
    np.testing.assert_allclose(found.scale, scales, rtol=1e-12)
    # What a single has no parts for cannot be lost.
    assert found.sound.tolist() == [True, True, True, False]


@pytest.fixture(scope="module")
def fitted():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=20)
    return adata


def test_predictions_follow_the_law(fitted):
    """Rebuilt in numpy from the network's own steady states."""
    names = [str(name) for name in fitted.uns["clamp"]["regulators"]]
    pairs = ["+".join(p) for p in itertools.combinations(names[:4], 2)] + ["+".join(names[:3])]
    raw = sc_c.tl.predict_clamps(fitted, [*pairs, *names], combination="steady_state").to_df("shift")
    predicted = sc_c.tl.predict_clamps(fitted, [*pairs, *names])
    shift = predicted.to_df("shift")
    norms = {n: np.linalg.norm(raw.loc[n].drop(n)) for n in names}
    typical = np.mean(np.square(list(norms.values())))
    config = FitConfig()
    for pair in pairs:
        genes = pair.split("+")
        scale = law_by_hand([norms[g] for g in genes], config.crowding, typical)
        additive = raw.loc[genes].sum()
        expected = scale * (additive + config.interaction * (raw.loc[pair] - additive))
        free = raw.columns.difference(genes)
        np.testing.assert_allclose(shift.loc[pair, free], expected[free], atol=2e-5)
        np.testing.assert_allclose(predicted.obs.loc[pair, "scale"], scale, rtol=1e-4)
        np.testing.assert_allclose(shift.loc[pair, genes], raw.loc[pair, genes], atol=1e-5)
    np.testing.assert_allclose(shift.loc[names], raw.loc[names], atol=1e-6)


def test_cells_of_combinations_follow_it_too(fitted):
    sc_c.tl.predict_clamps(fitted)
    labels = fitted.obs["perturbation"].astype(str)
    pair = next(name for name in labels.unique() if "+" in name)
    expected = sc_c.tl.predict_clamps(fitted, [pair]).layers["predicted"][0]
    cells = fitted.layers["clamp_predicted"][(labels == pair).to_numpy()]
    np.testing.assert_allclose(cells, np.broadcast_to(expected, cells.shape), atol=1e-6)


def test_chunks_do_not_change_it(fitted):
    names = [str(name) for name in fitted.uns["clamp"]["regulators"]]
    triples = list(itertools.combinations(names, 3))
    whole = sc_c.tl.predict_clamps(fitted, triples)
    parts = sc_c.tl.predict_clamps(fitted, triples, chunk_size=3)
    np.testing.assert_allclose(whole.layers["predicted"], parts.layers["predicted"], atol=1e-6)


def test_the_law_of_the_paper_is_the_steady_state():
    config = dataclasses.replace(FitConfig(max_epochs=5), crowding=0.0, interaction=1.0)
    adata = sc_c.tl.fit(sc_c.datasets.simulated("tiny"), config=config, copy=True)
    names = [str(name) for name in adata.uns["clamp"]["regulators"]]
    a = sc_c.tl.predict_clamps(adata, [names[:2]])
    b = sc_c.tl.predict_clamps(adata, [names[:2]], combination="steady_state")
    assert np.array_equal(a.layers["predicted"], b.layers["predicted"])
    assert (a.obs["scale"] == 1).all()
