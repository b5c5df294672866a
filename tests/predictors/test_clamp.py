from types import SimpleNamespace

import numpy as np
import pytest
import torch

import scclamp as sc_c
from scclamp._errors import ConvergenceWarning, InputError
from scclamp.conditions import Conditions
from scclamp.encoders import Identity, Wrapped, as_encoder
from scclamp.fitting import FitConfig
from scclamp.predictors import Clamp

PAIRS = ["REG01+REG02", "REG01+REG05", "REG03", "REG01+REG02+REG03", "control"]
CONFIGS = {
    "default": FitConfig(max_epochs=15),
    "paper": FitConfig.paper(max_epochs=15),
}


@pytest.fixture(scope="module")
def split():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.pp.split(adata, "additive")
    return adata


def targets(names):
    return [() if name == "control" else tuple(name.split("+")) for name in names]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("n_seeds", [1, 2])
def test_is_what_the_faces_predict(split, name, n_seeds):
    """With the roles written in `obs` nothing but the start is drawn, so that both fits are the same."""
    config = CONFIGS[name]
    fitted = sc_c.tl.fit(split, config=config, split_key="split", n_seeds=n_seeds, bootstrap=False, rng=3, copy=True)
    expected = sc_c.tl.predict_clamps(fitted, PAIRS).layers["shift"]
    conditions = Conditions.from_anndata(split, split_key="split")
    predicted = Clamp(config=config, n_seeds=n_seeds).fit(conditions, rng=3).predict(targets(PAIRS))
    np.testing.assert_allclose(predicted - conditions.train_mean[0], expected, atol=2e-5)


def test_observed_doses_are_those_of_the_faces(split):
    config = CONFIGS["default"]
    names = sorted({str(n) for n in split.obs["perturbation"] if "+" in str(n)})[:5]
    fitted = sc_c.tl.fit(split, config=config, split_key="split", rng=3, copy=True)
    expected = sc_c.tl.predict_clamps(fitted, names, clamp_values="observed").layers["shift"]
    conditions = Conditions.from_anndata(split, split_key="split")
    observed = Conditions.from_anndata(split, train_fraction=1.0)
    predictor = Clamp(config=config, observed=observed).fit(conditions, rng=3)
    np.testing.assert_allclose(predictor.predict(targets(names)) - conditions.train_mean[0], expected, atol=2e-5)
    with pytest.raises(InputError, match="observed= has no training cells of 'REG01\\+REG02\\+REG03'"):
        predictor.predict([("REG01", "REG02", "REG03")])


def test_latent_regulators_are_held_too(screen):
    predictor = Clamp(config=FitConfig(max_epochs=3)).fit(screen, rng=0)
    predicted = predictor.predict([("U",), ("A", "U"), ("U", "A"), ()])
    assert predicted.shape == (4, 30)
    np.testing.assert_array_equal(predicted[1], predicted[2])
    np.testing.assert_allclose(predicted[3], screen.train_mean[0], atol=1e-5)
    assert np.abs(predicted[0] - predicted[3]).max() > 0.1


def test_combinations_that_train_are_not_learned_from(screen, singles):
    def fit(conditions):
        return Clamp(config=FitConfig(max_epochs=3)).fit(conditions, rng=0).predict([("A", "B")])

    np.testing.assert_array_equal(fit(screen), fit(singles))


def test_replicates_go_to_the_members(tiny, untouched_rng):
    replicates = Conditions.from_anndata(sc_c.datasets.simulated("tiny"), n_bootstrap=2, rng=0)
    predictor = Clamp(config=FitConfig(max_epochs=3), n_seeds=2).fit(replicates, rng=0)
    assert predictor.weights_.shape == (2, 60, 8)
    plain = Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    config = FitConfig(max_epochs=3, init_scale=0.0)
    alone, first = (
        Clamp(config=config, n_seeds=n).fit(each, rng=0).predict([("REG01", "REG02"), ()])
        for n, each in ((1, plain), (2, replicates))
    )
    np.testing.assert_allclose(first, alone, atol=1e-4)


def test_unknown_genes_are_named(screen):
    predictor = Clamp(config=FitConfig(max_epochs=1)).fit(screen, rng=0)
    assert predictor.lacks(("A", "X")) == ("X",)
    assert predictor.predict([]).shape == (0, 30)
    with pytest.raises(InputError, match="'clamp' cannot predict 'A\\+X': 'X' has no column"):
        predictor.predict([("A", "X")])
    with pytest.raises(InputError, match="has learned nothing"):
        Clamp().predict([()])


def test_lenses_that_are_not_affine_are_refused():
    lens = Wrapped(lambda x: x**2, name="square", affine=False)
    with pytest.raises(InputError, match="'square' is not affine"):
        Clamp(encoder=lens)


def test_lenses_that_cannot_be_are_told(screen):
    config = FitConfig(max_epochs=1)
    with pytest.raises(InputError, match="encoder='pca' is neither an encoder"):
        Clamp(encoder="pca")
    with pytest.raises(InputError, match="Linear"):
        Clamp(encoder=as_encoder(torch.nn.Linear(7, 2), affine=True), config=config).fit(screen, rng=0)
    with pytest.raises(InputError, match="'cut' stops gradients"):
        Clamp(encoder=as_encoder(lambda x: x.detach(), name="cut", affine=True), config=config).fit(screen, rng=0)

    class Fixed(Identity):
        mapping = SimpleNamespace(genes=screen.genes[::-1])

    with pytest.raises(InputError, match="made for the same genes in another order"):
        Clamp(encoder=Fixed(), config=config).fit(screen, rng=0)


def test_unsettled_states_are_warned_of(screen, monkeypatch):
    predictor = Clamp(config=FitConfig(max_epochs=1)).fit(screen, rng=0)
    whole = predictor.states_.shifts

    def unsettled(mask, values):
        found = whole(mask, values)
        return found._replace(sound=~found.sound)

    monkeypatch.setattr(predictor.states_, "shifts", unsettled)
    with pytest.warns(ConvergenceWarning, match="1 of 1 targets have no trustworthy steady state: 'A\\+B'"):
        predictor.predict([("A", "B")])
