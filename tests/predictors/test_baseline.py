import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.predictors import REGISTRY, create

ANY = ("no_change", "mean_response")
BASELINES = [name for name in REGISTRY if name != "clamp"]
FAST = {"latent_additive": {"epochs": 3}}


def make(name, conditions):
    return REGISTRY[name](**FAST.get(name, {})).fit(conditions, rng=0)


@pytest.mark.parametrize("name", BASELINES)
def test_control_is_itself_and_order_does_not_matter(screen, name):
    predicted = make(name, screen).predict([(), ("B", "A"), ("A", "B"), ("A", "U"), ("U",)])
    assert predicted.shape == (5, 30)
    assert predicted.dtype == np.float64
    assert np.isfinite(predicted).all()
    if name != "latent_additive":
        np.testing.assert_array_equal(predicted[0], screen.train_mean[0])
    np.testing.assert_array_equal(predicted[1], predicted[2])


@pytest.mark.parametrize("name", BASELINES)
def test_no_targets_no_rows(screen, name):
    assert make(name, screen).predict([]).shape == (0, 30)


@pytest.mark.parametrize("name", BASELINES)
def test_unknown_genes_are_named(screen, name):
    predictor = make(name, screen)
    if name in ANY:
        assert predictor.lacks(("A", "Z9")) == ()
        return
    assert predictor.lacks(("A", "Z9")) == ("Z9",)
    with pytest.raises(InputError, match=f"'{name}' cannot predict 'A\\+Z9'.*'Z9'"):
        predictor.predict([("A", "Z9")])


@pytest.mark.parametrize("name", BASELINES)
def test_nothing_is_predicted_before_a_fit(name):
    with pytest.raises(InputError, match="has learned nothing yet"):
        create(name).predict([()])


@pytest.mark.parametrize("name", BASELINES)
def test_conditions_are_unchanged(screen, name):
    before = screen.train_mean.copy()
    make(name, screen).predict([("A", "B")])[:] = 0
    np.testing.assert_array_equal(screen.train_mean, before)


def test_near_matches_are_offered(screen):
    with pytest.raises(InputError, match="Did you mean 'U'"):
        make("additive", screen).predict([("u", "A")])


@pytest.mark.parametrize("name", ["scaled_additive", "scaled_denoised_additive"])
def test_a_free_constant_needs_combinations(screen, singles, name):
    assert create(name).needs_combinations
    with pytest.raises(InputError, match="fits its scale to combinations that train"):
        make(name, singles)
    assert not REGISTRY[name](scale=1.0).needs_combinations
    plain = name.removeprefix("scaled_")
    np.testing.assert_array_equal(
        REGISTRY[name](scale=1.0).fit(singles).predict([("A", "B")]), make(plain, singles).predict([("A", "B")])
    )


@pytest.mark.parametrize("name", [n for n in BASELINES if n not in ("mean_response", "linear_pca", "latent_additive")])
def test_only_free_constants_learn_from_combinations(screen, singles, name):
    if create(name).needs_combinations:
        return
    targets = [("A", "B"), ("C", "U"), ("D",)]
    np.testing.assert_array_equal(make(name, screen).predict(targets), make(name, singles).predict(targets))


@pytest.mark.parametrize("name", BASELINES)
def test_settings_are_in_the_repr(name):
    text = repr(create(name))
    assert text.startswith(type(create(name)).__name__ + "(")
    assert " at 0x" not in text
