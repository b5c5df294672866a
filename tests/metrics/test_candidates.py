"""Which pairs are judged."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.metrics import auprc, auroc, cell_correlation, edge_recovery, sign_accuracy
from scclamp.metrics._candidates import select_pairs


def test_pairs_are_flattened_together():
    scores, truth = np.arange(6.0).reshape(3, 2), -np.arange(6.0).reshape(3, 2)
    values, weights = select_pairs(scores, truth, [1, -1], scores != 5)
    np.testing.assert_array_equal(values, [0, 1, 3, 4])
    np.testing.assert_array_equal(weights, -values)


@pytest.mark.parametrize(
    "labels", [[1.0, np.nan, 0.0], [0, 2, 1], ["True", "False", "True"], [None, True, False], [-1, 1, 1]]
)
@pytest.mark.parametrize("score", [auroc, auprc])
def test_labels_that_are_neither_true_nor_false(score, labels):
    with pytest.raises(InputError, match="labels has dtype"):
        score([0.3, 0.2, 0.1], labels)


@pytest.mark.parametrize("labels", [[1, 0, 0], [1.0, 0.0, 0.0]])
def test_ones_and_zeros_are_labels(labels):
    assert auroc([0.3, 0.2, 0.1], labels) == auprc([0.3, 0.2, 0.1], labels) == 1


@pytest.mark.parametrize("rows", [[0.5, 1.0], [-2, 1], [0, 3], [True, False], [[0, 1]], ["0", "1"]])
def test_rows_of_regulators_that_are_none(rows):
    table = np.arange(6.0).reshape(3, 2)
    for score in (edge_recovery, sign_accuracy):
        with pytest.raises(InputError, match=r"regulator_rows has dtype .* from 0 to 2"):
            score(table, table, regulator_rows=rows)
    with pytest.raises(InputError, match=r"regulator_rows has dtype .* from 0 to 2"):
        cell_correlation(np.arange(12.0).reshape(4, 3), rows)


def test_a_row_named_twice_and_one_too_few():
    table = np.arange(6.0).reshape(3, 2)
    with pytest.raises(InputError, match="row 1 twice"):
        edge_recovery(table, table, regulator_rows=[1, 1])
    assert edge_recovery(table, table, regulator_rows=[-1, -1])["n_pairs"] == 6
    with pytest.raises(InputError, match="has 1 values, but there are 2 regulators"):
        edge_recovery(table, table, regulator_rows=[1])


def test_candidates_are_a_mask_and_no_positions():
    table = np.arange(6.0).reshape(3, 2)
    with pytest.raises(InputError, match="candidates has dtype int64"):
        edge_recovery(table, table, candidates=np.ones((3, 2), np.int64))
