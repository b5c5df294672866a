"""What is compared, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.metrics import mse, pearson_delta, rho_nonadd
from scclamp.metrics._judged import judge

TWO = np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predicted": TWO[0]}, r"predicted has shape \(3,\).*predicted\[None, :\]"),
        ({"observed": TWO[:, :2]}, r"predicted has shape \(2, 3\), but observed has \(2, 2\)"),
        ({"observed": np.where(TWO == 1, np.nan, TWO)}, "observed is nan for condition 0 at gene 0.*exclude="),
        ({"control": np.array([0.0, np.inf, 0.0])}, "control is inf for condition 0 at gene 1"),
        ({"control": np.zeros(2)}, r"control has shape \(2,\).*one profile of 3 genes"),
        ({"predicted_control": np.zeros((3, 3)), "control": np.zeros(3)}, r"predicted_control has shape \(3, 3\)"),
        ({"exclude": np.array([0, 2])}, "exclude has dtype int64.*not by their positions"),
        ({"exclude": np.array([True])}, r"exclude has dtype bool and shape \(1,\)"),
    ],
)
def test_errors(change, message):
    with pytest.raises(InputError, match=message):
        judge(**{"predicted": TWO, "observed": TWO} | change)


def test_additive_shift_is_checked():
    with pytest.raises(InputError, match="additive_shift has shape"):
        rho_nonadd(TWO, TWO, control=np.zeros(3), additive_shift=TWO[:1])


def test_a_failed_prediction_has_no_score_and_spoils_no_other():
    failed = TWO + np.array([[0.0, np.nan, 0.0], [1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(mse(failed, TWO), [np.nan, 1 / 3])
    failed[0] = [np.inf, -np.inf, 1.0]
    found = pearson_delta(failed, TWO, control=np.ones(3))
    assert np.isnan(found[0])
    assert np.isfinite(found[1])


def test_what_is_excluded_may_be_anything():
    exclude = np.array([[False, False, True], [False, False, False]])
    wild, unmeasured = TWO.copy(), TWO.copy()
    wild[0, 2], unmeasured[0, 2] = np.inf, np.nan
    np.testing.assert_array_equal(mse(wild, unmeasured, exclude=exclude), [0, 0])
    assert np.isnan(mse(TWO, TWO, exclude=np.array([True, True, True]))).all()


def test_a_mask_of_genes_holds_for_all_conditions():
    genes = np.array([True, False, False])
    np.testing.assert_array_equal(
        mse(TWO + 1, TWO**2, exclude=genes), mse(TWO + 1, TWO**2, exclude=np.tile(genes, (2, 1)))
    )


def test_control_for_each_condition():
    pair = judge(TWO, 2 * TWO, control=TWO, predicted_control=np.zeros((2, 3)))
    np.testing.assert_array_equal(pair.observed, TWO)
    np.testing.assert_array_equal(pair.predicted, TWO)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_is_no_shift(dtype):
    """An additive prediction put together in another order leaves residuals of rounding only."""
    rng = np.random.default_rng(0)
    control, first, second = rng.gamma(2.0, 1.0, (3, 1, 500)).astype(dtype)
    additive = (first - control) + (second - control)
    predicted = (first + second) - control
    observed = control + additive * dtype(0.5)
    assert (predicted - control != additive).any()
    assert np.isnan(rho_nonadd(predicted, observed, control=control, additive_shift=additive)).all()


def test_no_conditions():
    assert mse(np.empty((0, 3)), np.empty((0, 3))).shape == (0,)


def test_inputs_are_unchanged(screen):
    before = [a.copy() for a in (screen.predicted, screen.observed, screen.control, screen.exclude, screen.additive)]
    rho_nonadd(
        screen.predicted,
        screen.observed,
        control=screen.control,
        additive_shift=screen.additive,
        exclude=screen.exclude,
    )
    after = (screen.predicted, screen.observed, screen.control, screen.exclude, screen.additive)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
