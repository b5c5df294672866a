"""Shifts of single perturbations."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.metrics import shift_ranking


def test_each_column_is_a_shift():
    means = np.random.default_rng(0).normal(size=(5, 7))
    scores = shift_ranking(means, [4, 2], control=1)
    assert scores.shape == (7, 2)
    for column, row in enumerate((4, 2)):
        for gene in range(7):
            assert scores[gene, column] == means[row, gene] - means[1, gene]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"means": np.ones(3), "singles": [0]}, "means has shape"),
        ({"means": np.ones((3, 2)), "singles": [3]}, "singles names row 3"),
        ({"means": np.ones((3, 2)), "singles": [-1]}, "singles names row -1"),
        ({"means": np.ones((3, 2)), "singles": [0.5]}, "whole number"),
        ({"means": np.ones((3, 2)), "singles": [1], "control": 9}, "control names row 9"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(InputError, match=message):
        shift_ranking(**arguments)
