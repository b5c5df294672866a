"""Discrimination scores against scipy's ranks, and the faults of others' versions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from scclamp._errors import InputError
from scclamp.metrics import discrimination_score

SCIPY = {"l1": "cityblock", "l2": "euclidean", "cosine": "cosine"}


@pytest.mark.parametrize("metric", SCIPY)
def test_against_scipy(screen, metric):
    found = discrimination_score(screen.predicted, screen.observed, control=screen.control, metric=metric)
    distance = cdist(screen.predicted - screen.control, screen.observed - screen.control, SCIPY[metric])
    ranks = stats.rankdata(distance, axis=1)
    np.testing.assert_allclose(found, 1 - (np.diag(ranks) - 1) / 8)


@pytest.mark.parametrize("metric", SCIPY)
def test_one_prediction_for_all_scores_a_half(screen, metric):
    same = np.tile(screen.predicted[3], (9, 1))
    found = discrimination_score(same, screen.observed, control=screen.control, metric=metric)
    assert found.mean() == pytest.approx(0.5)
    assert found.min() == 0
    assert found.max() == 1


def test_all_tied_is_a_half():
    observed = np.ones((4, 3))
    np.testing.assert_array_equal(discrimination_score(observed * 2, observed, control=np.zeros(3)), 0.5)


def test_signs_count(screen):
    """Absolute shifts could not tell the mirrored prediction from the true one."""
    mirrored = 2 * screen.control - screen.observed
    assert (discrimination_score(mirrored, screen.observed, control=screen.control, metric="cosine") < 1).all()
    assert (discrimination_score(screen.observed, screen.observed, control=screen.control) == 1).all()


def test_unknown_metric(screen):
    with pytest.raises(InputError, match=r"metric='L1' is not known.*'l1'"):
        discrimination_score(screen.predicted, screen.observed, control=screen.control, metric="L1")
