"""Overlap@N against sets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from scclamp.metrics import de_overlap


def largest(shift, genes, n):
    return set(genes[np.argsort(-np.abs(shift[genes]))][:n])


@pytest.mark.parametrize("n", [1, 10, 50])
def test_against_sets(screen, n):
    rng = np.random.default_rng(0)
    significant, called = rng.random((2, 9, 60)) < 0.4
    found = de_overlap(
        screen.predicted,
        screen.observed,
        control=screen.control,
        n=n,
        significant=significant,
        predicted_significant=called,
        exclude=screen.exclude,
    )
    for row, value in enumerate(found):
        truth = np.flatnonzero(significant[row] & screen.kept(row))
        guess = np.flatnonzero(called[row] & screen.kept(row))
        k = min(n, len(truth))
        both = largest(screen.observed[row] - screen.control, truth, k) & largest(
            screen.predicted[row] - screen.control, guess, k
        )
        assert value == pytest.approx(len(both) / k)


def test_ties_are_the_mean_over_their_orders():
    observed, predicted = np.array([3.0, 2.0, 2.0, 1.0]), np.array([1.0, 1.0, 1.0, 0.0])
    truths = [{0, 1}, {0, 2}]
    guesses = [set(pair) for pair in itertools.combinations(range(3), 2)]
    expected = np.mean([len(t & g) / 2 for t in truths for g in guesses])
    assert de_overlap(predicted[None], observed[None], control=np.zeros(4), n=2) == pytest.approx(expected)


def test_predicting_nothing_finds_nothing(screen):
    still = np.tile(screen.control, (9, 1))
    assert not de_overlap(still, screen.observed, control=screen.control).any()
    assert np.isnan(de_overlap(screen.predicted, still, control=screen.control)).all()
