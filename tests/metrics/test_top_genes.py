"""The genes that move most."""

from __future__ import annotations

import numpy as np

from scclamp.metrics import mse, top_genes


def test_largest_among_those_that_count():
    observed = np.array([[5.0, -9.0, 7.0, 6.0], [1.0, 1.0, 1.0, 1.0]])
    exclude = np.array([[False, True, False, False], [True, False, False, False]])
    found = top_genes(observed, 2, control=np.zeros(4), exclude=exclude)
    np.testing.assert_array_equal(found, [[False, False, True, True], [False, True, True, False]])
    assert not (top_genes(observed, 9, control=np.zeros(4), exclude=exclude) & exclude).any()


def test_restricts_any_metric(screen):
    mask = top_genes(screen.observed, 20, control=screen.control)
    assert (mask.sum(axis=1) == 20).all()
    expected = [np.mean((screen.predicted - screen.observed)[row, mask[row]] ** 2) for row in range(9)]
    np.testing.assert_allclose(mse(screen.predicted, screen.observed, exclude=~mask), expected)
