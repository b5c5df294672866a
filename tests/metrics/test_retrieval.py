"""Top-k retrieval by cosine."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from scclamp._errors import InputError
from scclamp.metrics import retrieval


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_against_scipy(screen, k):
    own = screen.control + 0.1
    found = retrieval(screen.predicted, screen.observed, control=screen.control, predicted_control=own, k=k)
    order = np.argsort(cdist(screen.predicted - own, screen.observed - screen.control, "cosine"), axis=1)
    np.testing.assert_array_equal(found, [row in order[row, :k] for row in range(9)])


def test_ties_are_decided_by_chance():
    """Four equal observations: the own one is among the first k of a random order in k of 4 cases."""
    observed = np.ones((4, 3))
    for k in (1, 3, 4, 9):
        assert retrieval(observed, observed, control=np.zeros(3), k=k) == pytest.approx(min(k, 4) / 4)
    mixed = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    predicted = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]])
    np.testing.assert_allclose(retrieval(predicted, mixed, control=np.zeros(2), k=1), [0.5, 0, 0])
    np.testing.assert_allclose(retrieval(predicted, mixed, control=np.zeros(2), k=2), [1, 0.5, 0])


def test_size_does_not_matter(screen):
    shrunk = screen.control + 0.01 * (screen.predicted - screen.control)
    args = {"control": screen.control, "k": 2}
    np.testing.assert_array_equal(
        retrieval(shrunk, screen.observed, **args), retrieval(screen.predicted, screen.observed, **args)
    )


def test_no_change_is_undefined(screen):
    assert np.isnan(retrieval(np.tile(screen.control, (9, 1)), screen.observed, control=screen.control)).all()


def test_k_must_be_whole(screen):
    with pytest.raises(InputError, match="k=0"):
        retrieval(screen.predicted, screen.observed, control=screen.control, k=0)
