"""Which pairs are judged."""

from __future__ import annotations

import numpy as np

from scclamp.metrics._candidates import select_pairs


def test_pairs_are_flattened_together():
    scores, truth = np.arange(6.0).reshape(3, 2), -np.arange(6.0).reshape(3, 2)
    values, weights = select_pairs(scores, truth, [1, -1], scores != 5)
    np.testing.assert_array_equal(values, [0, 1, 3, 4])
    np.testing.assert_array_equal(weights, -values)
