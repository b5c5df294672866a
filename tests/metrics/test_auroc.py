"""auroc against scikit-learn, with and without ties."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scclamp._errors import InputError
from scclamp.metrics import auroc


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_against_sklearn(decimals):
    rng = np.random.default_rng(decimals)
    for n in (2, 10, 500):
        labels = np.r_[True, False, rng.random(n - 2) < 0.3]
        scores = np.round(rng.normal(size=n) + labels, decimals)
        assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_any_shape():
    scores, labels = np.array([[3.0, 1.0], [2.0, 0.0]]), np.array([[1, 0], [1, 0]])
    assert auroc(scores, labels) == 1.0


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([1.0, np.nan], [True, False], r"scores\[\(1,\)\]=.*nan.* is not finite"),
        ([1.0, 2.0], [True, True], "all alike"),
        ([1.0, 2.0], [True], "shape"),
    ],
)
def test_errors(scores, labels, message):
    with pytest.raises(InputError, match=message):
        auroc(scores, labels)
