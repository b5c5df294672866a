"""auprc against scikit-learn, with and without ties."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from scclamp.metrics import auprc


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_against_sklearn(decimals):
    rng = np.random.default_rng(decimals)
    for n in (2, 10, 500):
        labels = np.r_[True, False, rng.random(n - 2) < 0.1]
        scores = np.round(rng.normal(size=n) + labels, decimals)
        assert auprc(scores, labels) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


def test_all_tied_is_chance_in_any_order():
    labels = np.arange(10) < 3
    assert auprc(np.ones(10), labels) == auprc(np.ones(10), labels[::-1]) == pytest.approx(0.3)
