"""The Virtual Cell Challenge's DES, by sets."""

from __future__ import annotations

import numpy as np
import pytest

from scclamp.metrics import de_score


def test_against_sets(screen):
    rng = np.random.default_rng(4)
    true, called = rng.random((9, 60)) < 0.2, rng.random((9, 60)) < rng.random((9, 1))
    found = de_score(
        screen.predicted, screen.observed, control=screen.control, significant=true, predicted_significant=called
    )
    for row, value in enumerate(found):
        size = np.abs(screen.predicted[row] - screen.control)
        guess = sorted(np.flatnonzero(called[row]), key=lambda gene: -size[gene])
        truth = set(np.flatnonzero(true[row]))
        if len(guess) > len(truth):
            guess = guess[: len(truth)]
        assert value == pytest.approx(len(truth & set(guess)) / len(truth))


def test_no_significant_gene_is_undefined(screen):
    found = de_score(screen.predicted, screen.observed, control=screen.control, significant=np.zeros(60, dtype=bool))
    assert np.isnan(found).all()
