"""Translators against a logistic regression by scipy, and against what no line can part."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from scclamp._errors import InputError
from scclamp.metrics import auprc
from scclamp.probes import Translator
from scclamp.probes._translator import _hold_out

WEIGHTS = np.array([2.0, -1.0, 0.0])


@pytest.fixture(scope="module")
def linear():
    """Pairs whose log odds are linear: half to learn from."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 3))
    return x, rng.random(3000) < expit(x @ WEIGHTS - 2)


@pytest.fixture(scope="module")
def trained(linear):
    x, y = linear
    return Translator(epochs=60).fit(x[:1500], y[:1500], rng=0)


def logistic(x, y):
    """Maximum likelihood, with an intercept."""
    design = np.column_stack([x, np.ones(len(x))])
    loss = lambda w: np.logaddexp(0, -(2 * y - 1) * (design @ w)).sum()  # noqa: E731
    w = minimize(loss, np.zeros(design.shape[1])).x
    return lambda new: np.column_stack([new, np.ones(len(new))]) @ w


def test_as_good_as_logistic_regression_where_that_is_right(linear, trained):
    x, y = linear
    best = auprc(logistic(x[:1500], y[:1500])(x[1500:]), y[1500:])
    assert best > 2 * y.mean()
    assert auprc(trained.logits(x[1500:]), y[1500:]) > 0.97 * best


def test_weights_of_classes_move_the_mean_probability_only(linear, trained):
    x, y = linear
    plain = Translator(epochs=60, balanced=False).fit(x[:1500], y[:1500], rng=0)
    assert plain.probabilities(x).mean() == pytest.approx(y.mean(), abs=0.03)
    # Weighted, edges count as often as other pairs: the log odds rise by the log of the weight.
    rise = np.median(trained.logits(x) - plain.logits(x))
    assert rise == pytest.approx(np.log((~y[:1500]).sum() / y[:1500].sum()), abs=0.3)


def test_strength_of_either_sign_is_learned():
    x = np.random.default_rng(0).normal(size=(2000, 1))
    y = np.abs(x[:, 0]) > 1.2
    found = Translator(epochs=60).fit(x[:1000], y[:1000], rng=0).logits(x[1000:])
    assert auprc(found, y[1000:]) > 0.97
    assert auprc(logistic(x[:1000], y[:1000])(x[1000:]), y[1000:]) < 0.7


def test_probabilities_are_those_of_the_logits(linear, trained):
    x, _ = linear
    np.testing.assert_allclose(trained.probabilities(x), expit(trained.logits(x)), rtol=1e-12)


def test_ruler_is_that_of_the_pairs_it_was_trained_on(linear, trained):
    x, y = linear
    scaled = Translator(epochs=60).fit(1e4 * x[:1500] - 7, y[:1500], rng=0)
    np.testing.assert_allclose(scaled.logits(1e4 * x[1500:] - 7), trained.logits(x[1500:]), atol=1e-3)
    # A pair's score does not depend on what is asked with it.
    np.testing.assert_allclose(trained.logits(x[:5]), trained.logits(x)[:5], rtol=1e-5)
    shifted = trained.logits(x[1500:] + 1)
    assert np.abs(shifted - trained.logits(x[1500:])).max() > 0.1


@pytest.mark.parametrize("constant", [np.full(600, 0.1), np.zeros(600), np.float32(5) + np.tile([0, 1e-6], 300)])
def test_features_that_are_constant_in_training_say_nothing_wherever_they_vary(linear, constant):
    x, y = linear
    found = Translator(epochs=5).fit(np.column_stack([x[:600], constant]), y[:600], rng=0)
    logits = found.logits(np.column_stack([x[:600], constant]))
    assert np.ptp(logits) > 0.1
    for other in (0.0, -1e4, 1e4 * np.random.default_rng(1).normal(size=600)):
        np.testing.assert_array_equal(found.logits(np.column_stack([x[:600], np.full(600, other)])), logits)
    nothing = Translator(epochs=5).fit(constant[:, None], y[:600], rng=0).logits(x[:, :1])
    assert len(set(nothing)) == 1
    assert np.isfinite(nothing).all()


def test_what_varies_a_little_about_a_large_mean_is_no_constant(linear):
    x, y = linear
    plain, far = (Translator(epochs=5).fit(part[:600], y[:600], rng=0).logits(part) for part in (x, x + 1e4))
    np.testing.assert_allclose(far, plain, atol=1e-3)


def test_features_that_are_no_numbers_are_named(linear, trained):
    x, y = linear
    broken = x[:600].copy()
    broken[:, 1], broken[:2, 2] = np.nan, -np.inf
    table = pd.DataFrame(broken, columns=["slope", "effect", "size"])
    with pytest.raises(
        InputError, match=r"features: .* column 1 \(600 of 600 pairs\), 2 \(2 of 600 pairs\)\. Leave out"
    ):
        Translator().fit(broken, y[:600], rng=0)
    with pytest.raises(InputError, match=r"column 'effect' \(600 of 600 pairs\), 'size' \(2"):
        trained.logits(table)


def test_weights_of_the_best_round_are_kept(linear):
    x, y = linear
    settings = {"patience": 4, "learning_rate": 0.03}
    full = Translator(epochs=100, **settings).fit(x[:400], y[:400], rng=3)
    best = int(np.argmin(full.losses_[:, 1]))
    assert full.best_epoch_ == best
    assert len(full.losses_) == best + 1 + 4
    stopped = Translator(epochs=best + 1, **settings).fit(x[:400], y[:400], rng=3)
    np.testing.assert_array_equal(stopped.logits(x), full.logits(x))


def test_same_rng_same_bits(linear, untouched_rng):
    x, y = linear
    first, again, other = (Translator(epochs=3).fit(x[:300], y[:300], rng=r).logits(x) for r in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_groups_are_held_out_whole_and_both_kinds_are_on_both_sides():
    rng = np.random.default_rng(0)
    for seed in range(20):
        groups = rng.integers(12, size=200)
        labels = (rng.random(200) < 0.1) & (groups < 5)
        out = _hold_out(labels, groups, 0.2, np.random.default_rng(seed))
        assert not set(groups[out]) & set(groups[~out])
        assert {*labels[out]} == {*labels[~out]} == {True, False}
        # One fifth of the 4 or 5 groups with an edge, and of the others.
        assert len(set(groups[out])) in {2, 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": np.zeros(10)}, r"features has shape \(10,\)"),
        ({"features": np.full((10, 2), np.nan)}, "NaN"),
        ({"labels": np.zeros(9)}, "10 pairs"),
        ({"labels": np.full(10, 0.5)}, "True or False"),
        ({"labels": np.zeros(10)}, "0 edges"),
        ({"groups": np.zeros(10)}, "in 1 groups"),
        ({"groups": np.zeros(3)}, "Name one"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(change, message):
    given = {"features": np.arange(20.0).reshape(10, 2), "labels": np.arange(10) % 2} | change
    with pytest.raises(InputError, match=message):
        Translator().fit(**given, rng=0)


@pytest.mark.parametrize(
    "settings", [{"hidden": 0}, {"held_out": 1}, {"learning_rate": 0}, {"weight_decay": -1}, {"epochs": 2.5}]
)
def test_settings_are_checked(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        Translator(**settings)


def test_features_of_another_length_and_untrained_ones_are_refused(trained):
    with pytest.raises(InputError, match="row of 3 features"):
        trained.logits(np.zeros((4, 2)))
    with pytest.raises(InputError, match="not trained"):
        Translator().logits(np.zeros((4, 2)))
