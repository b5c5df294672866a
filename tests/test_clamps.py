"""Clamps of hand-made conditions, value by value."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp._assignment import Assignment
from scclamp._clamps import clamps, group_means, stack_groups
from scclamp._errors import InputError, InputWarning

NAMES = ("control", "A", "A+B", "A+Q", "B", "Z")
TARGETS = ((), ("A",), ("A", "B"), ("A", "Q"), ("B",), ("Z",))
GENES = ("B", "x", "A")


def cells_of(codes, roles):
    return Assignment(NAMES, TARGETS, np.array(codes), np.array(roles, np.int8), "gene", "by hand")


CELLS = cells_of([0, 1, 2, 3, 4, 5, 0, 1, -1, 0], [0, 0, 0, 0, 0, 0, 1, 1, 0, -1])
X = np.arange(30.0).reshape(10, 3) + 1


def means_of(cells, n_bootstrap=0):
    groups = stack_groups(cells, n_bootstrap, np.random.default_rng(0))
    return group_means(cells, groups @ X, n_bootstrap)


def test_groups_are_train_then_validation():
    groups = stack_groups(CELLS, 0, np.random.default_rng(0)).toarray()
    expected = np.zeros((12, 10))
    for row, cell in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7)]:
        expected[row, cell] = 1
    np.testing.assert_array_equal(groups, expected)


def test_means_without_cells_are_nan():
    means = means_of(CELLS)
    np.testing.assert_array_equal(means["train_mean"], X[:6])
    np.testing.assert_array_equal(means["val_mean"][:2], X[6:8])
    assert np.isnan(means["val_mean"][2:]).all()
    np.testing.assert_array_equal(means["val_n"], [1, 1, 0, 0, 0, 0])


def test_clamps_from_singles():
    found = clamps(CELLS, GENES, means_of(CELLS), "singles")
    assert found["regulators"] == ("A", "B", "Z")
    np.testing.assert_array_equal(found["regulator_rows"], [2, 0, -1])
    a, b = X[1, 2], X[4, 0]
    held = [[0, 0, 0], [a, 0, 0], [a, b, 0], [a, 0, 0], [0, b, 0], [0, 0, 1]]
    np.testing.assert_array_equal(found["clamp_values"], held)
    np.testing.assert_array_equal(found["clamp_mask"], (np.array(held) > 0) | [False, False, True])
    np.testing.assert_array_equal(found["complete"], [True, True, True, False, True, True])


def test_clamps_observed_in_the_combination():
    found = clamps(CELLS, GENES, means_of(CELLS), "observed")["clamp_values"]
    np.testing.assert_array_equal(found[2], [X[2, 2], X[2, 0], 0])
    np.testing.assert_array_equal(found[3], [X[3, 2], 0, 0])


def test_replicates_have_clamps_of_their_own():
    cells = cells_of([0, 0, 1, 1, 2, 3, 4, 4, 5, 5], [0] * 10)
    with pytest.warns(InputWarning, match=r"'A\+B', 'A\+Q' have one training observation each"):
        means = means_of(cells, 6)
    found = clamps(cells, GENES, means, "singles")
    assert found["clamp_values"].shape == (6, 6, 3)
    for b in range(6):
        assert found["clamp_values"][b, 2, 0] == means["train_mean"][b, 1, 2]
        assert found["clamp_values"][b, 2, 1] == means["train_mean"][b, 4, 0]
    assert len(np.unique(found["clamp_values"][:, 1, 0])) > 1


def test_a_combination_that_only_validates_has_no_observed_clamp():
    cells = cells_of([0, 1, 2, 3, 4, 5, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    means = means_of(cells)
    assert np.isnan(means["train_mean"][2]).all()
    assert np.isfinite(clamps(cells, GENES, means, "singles")["clamp_values"]).all()
    with pytest.raises(InputError, match=r"clamp_values='observed' needs training cells.*'A\+B' have none"):
        clamps(cells, GENES, means, "observed")
