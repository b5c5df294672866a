"""Roles and bootstrap weights, against counting by hand and explicit resampling."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scclamp._errors import InputError, InputWarning
from scclamp._split import bootstrap_weights, read_roles, require_resamplable, stratified_roles


@given(codes=st.lists(st.integers(-1, 5), max_size=60), fraction=st.floats(0.01, 1), seed=st.integers(0, 5))
def test_every_condition_is_split_on_its_own(codes, fraction, seed):
    codes = np.array(codes, np.int64)
    roles = stratified_roles(codes, fraction, np.random.default_rng(seed))
    assert ((roles == -1) == (codes < 0)).all()
    np.testing.assert_array_equal(roles, stratified_roles(codes, fraction, np.random.default_rng(seed)))
    for code in set(codes[codes >= 0]):
        n, n_train = (codes == code).sum(), ((codes == code) & (roles == 0)).sum()
        assert n_train >= 1
        assert (n_train == n) == (n == 1 or fraction == 1)
        assert n_train == n or abs(n_train - fraction * n) <= 1


def test_every_row_is_equally_likely_to_validate():
    codes = np.array([0] * 5 + [1] * 10)
    rng = np.random.default_rng(0)
    share = np.mean([stratified_roles(codes, 0.8, rng) == 1 for _ in range(4000)], axis=0)
    np.testing.assert_allclose(share, 0.2, atol=0.03)


@pytest.mark.parametrize("fraction", [0.0, -1.0, 1.1, float("nan")])
def test_fraction_is_checked(fraction):
    with pytest.raises(InputError, match=f"train_fraction={fraction} must be above 0 and at most 1"):
        stratified_roles(np.zeros(3, int), fraction, np.random.default_rng(0))


@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_roles_of_a_column(dtype):
    column = pd.Series(["train", " VAL ", "valid", "validation", "test", None, "Training", "ood", ""], dtype=dtype)
    np.testing.assert_array_equal(read_roles(column, "s"), [0, 1, 1, 1, -1, -1, 0, -1, -1])


@pytest.mark.parametrize("column", [["train", "fold1"], [0, 1], [True, False]])
def test_unknown_roles_are_named(column):
    with pytest.raises(InputError, match=r"split_key='s' says no split: .* with the values 'train', 'val' and 'test'"):
        read_roles(pd.Series(column), "s")


def test_weights_resample_training_rows_within_conditions():
    codes = np.array([2, 0, 0, -1, 1, 0, 2, 2, 0])
    roles = np.array([0, 0, 1, 0, 0, 0, 0, 1, 0])
    weights = bootstrap_weights(codes, roles, 4000, np.random.default_rng(0))
    drawable = (roles == 0) & (codes >= 0)
    assert not weights[:, ~drawable].any()
    for code in range(3):
        rows = drawable & (codes == code)
        n = rows.sum()
        assert (weights[:, rows].sum(1) == n).all()
        # Drawing n of n with replacement: each row once on average, with the variance 1 - 1/n.
        np.testing.assert_allclose(weights[:, rows].mean(0), 1, atol=0.06)
        np.testing.assert_allclose(weights[:, rows].var(0), 1 - 1 / n, atol=0.08)


def test_pseudobulk_cannot_be_resampled():
    with pytest.raises(InputError, match="n_bootstrap=3 resamples cells"):
        require_resamplable(3, np.array([1, 1, 0]), ("control", "A", "B"))
    with pytest.warns(InputWarning, match="'A' have one training observation"):
        require_resamplable(3, np.array([4, 1, 0]), ("control", "A", "B"))
    require_resamplable(3, np.array([4, 2]), ("control", "A"))
