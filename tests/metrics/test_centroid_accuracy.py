"""Systema's centroid accuracy, counted one by one."""

from __future__ import annotations

import numpy as np

from scclamp.metrics import centroid_accuracy, discrimination_score


def test_counted_one_by_one(screen):
    more = screen.control + np.random.default_rng(3).normal(0, 0.5, (5, 60))
    found = centroid_accuracy(screen.predicted, screen.observed, distractors=more)
    for row, value in enumerate(found):
        own = np.linalg.norm(screen.predicted[row] - screen.observed[row])
        others = [o for i, o in enumerate(np.concatenate([screen.observed, more])) if i != row]
        assert value == np.mean([np.linalg.norm(screen.predicted[row] - o) > own for o in others])


def test_the_control_cancels(screen):
    np.testing.assert_array_equal(
        centroid_accuracy(screen.predicted, screen.observed, exclude=screen.exclude),
        discrimination_score(
            screen.predicted, screen.observed, control=screen.control, metric="l2", exclude=screen.exclude
        ),
    )
