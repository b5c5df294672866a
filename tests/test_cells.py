"""Draws by name: the same cells whatever the order, and as many as the paper's share says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scclamp._cells import few_train, generator, in_order, seed_of, train_and_validate


@given(st.permutations(range(12)), st.integers(0, 5))
def test_order_of_rows_does_not_matter(order, seed):
    ids = np.array([f"cell{i}" for i in range(12)])
    expected = ids[in_order(np.arange(12), ids, seed, "A")]
    moved = ids[list(order)]
    np.testing.assert_array_equal(moved[in_order(np.arange(12), moved, seed, "A")], expected)


def test_conditions_and_seeds_draw_differently():
    ids = np.array([f"{i:03d}" for i in range(100)])
    orders = [in_order(np.arange(100), ids, seed, name) for seed in (0, 1) for name in "AB"]
    assert len({tuple(order) for order in orders}) == 4
    assert all(sorted(order) == list(range(100)) for order in orders)


def test_every_cell_is_equally_likely_to_validate():
    ids = np.arange(10)
    drawn = np.zeros(10)
    for seed in range(2000):
        roles = np.full(10, "", object)
        train_and_validate(roles, {"A": np.arange(10)}, ids, 0.8, seed)
        drawn += roles == "val"
    np.testing.assert_allclose(drawn / 2000, 0.2, atol=0.04)


@pytest.mark.parametrize(("n", "n_val"), [(1, 0), (2, 1), (5, 1), (7, 1), (8, 2), (10, 2)])
def test_counts(n, n_val):
    roles = np.full(n, "", object)
    train_and_validate(roles, {"A": np.arange(n)}, np.arange(n), 0.8, 0)
    assert (roles == "val").sum() == n_val
    few_train(roles, {"A": np.arange(n)}, np.arange(n), 1, 0)
    assert [(roles == role).sum() for role in ("train", "test")] == [1, n - 1]


def test_seed_of(untouched_rng):
    assert seed_of(np.int64(5)) == 5
    assert seed_of(None) != seed_of(None)
    assert generator(5, "x").integers(1 << 40) == generator(5, "x").integers(1 << 40)
