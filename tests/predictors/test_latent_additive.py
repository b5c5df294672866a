import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.predictors import LatentAdditive


def test_formula(screen):
    """softplus(Dec(Enc(control) + sum of embeddings)), in numpy."""
    predictor = LatentAdditive(epochs=20).fit(screen, rng=0)
    w = {name: value.double().numpy() for name, value in predictor.network_.state_dict().items()}

    def two_layers(x, side):
        hidden = np.maximum(w[f"{side}.0.weight"] @ x + w[f"{side}.0.bias"], 0)
        return w[f"{side}.2.weight"] @ hidden + w[f"{side}.2.bias"]

    def state(genes):
        held = sum((w["embedding"][predictor.genes_.index(g)] for g in genes), np.zeros(32))
        return np.log1p(np.exp(two_layers(two_layers(screen.train_mean[0], "encoder") + held, "decoder")))

    np.testing.assert_allclose(predictor.predict([("A", "U"), ()]), [state("AU"), state("")], atol=1e-5)


def test_learns_what_it_is_shown(screen):
    predictor = LatentAdditive(epochs=300).fit(screen, rng=0)
    assert predictor.losses_[-1] < 0.2 * predictor.losses_[0]
    at = [i for i, target in enumerate(screen.targets) if target]
    predicted = predictor.predict([screen.targets[i] for i in at])
    assert np.corrcoef(predicted.ravel(), screen.train_mean[at].ravel())[0, 1] > 0.9


def test_starts_at_the_control(screen):
    predictor = LatentAdditive(epochs=1).fit(screen, rng=0)
    np.testing.assert_allclose(predictor.losses_[0], ((screen.train_mean - screen.train_mean[0]) ** 2).mean(), rtol=0.1)


def test_same_rng_same_bits(screen, untouched_rng):
    def fit(rng):
        return LatentAdditive(epochs=5).fit(screen, rng=rng).predict([("A", "B")])

    assert np.array_equal(fit(1), fit(1))
    assert np.array_equal(fit(None), fit(None))
    assert not np.array_equal(fit(1), fit(2))


def test_genes_seen_only_in_combinations_can_be_predicted(screen, singles):
    assert LatentAdditive(epochs=1).fit(screen).lacks(("X",)) == ()
    assert LatentAdditive(epochs=1).fit(singles).lacks(("X",)) == ("X",)


@pytest.mark.parametrize("settings", [{"epochs": 0}, {"n_latent": 1.5}, {"learning_rate": 0}, {"weight_decay": -1}])
def test_other_settings_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        LatentAdditive(**settings)
