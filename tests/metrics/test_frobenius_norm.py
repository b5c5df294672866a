"""Size of a network, and what is no network."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.metrics import effective_rank, frobenius_norm


def test_against_the_sum_of_squares():
    weights = np.random.default_rng(0).normal(size=(30, 4))
    assert frobenius_norm(weights) == pytest.approx(np.sqrt((weights**2).sum()))
    assert frobenius_norm(np.zeros((3, 2))) == 0


@pytest.mark.parametrize("metric", [frobenius_norm, effective_rank])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(3), r"weights has shape \(3,\)"),
        (np.ones((0, 3)), r"weights has shape \(0, 3\)"),
        ([[1.0, np.nan]], r"weights\[\(0, 1\)\].*is not finite"),
    ],
)
def test_errors(metric, weights, message):
    with pytest.raises(InputError, match=message):
        metric(weights)
