"""Ranks of the own observation among all, against scipy's distances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from scclamp._errors import InputError
from scclamp.metrics import centroid_accuracy, retrieval
from scclamp.metrics._judged import judge
from scclamp.metrics._neighbours import rivals, standing

SCIPY = {"l1": "cityblock", "l2": "euclidean", "cosine": "cosine"}


@pytest.mark.parametrize("metric", SCIPY)
@pytest.mark.parametrize("masked", [False, True])
def test_against_scipy(screen, metric, masked):
    rng = np.random.default_rng(1)
    more = screen.control + rng.normal(0, 0.5, (4, 60))
    exclude = screen.exclude if masked else None
    pair = judge(screen.predicted, screen.observed, control=screen.control, exclude=exclude)
    found = standing(pair, metric, rivals(more, screen.control, 60))
    candidates = np.concatenate([screen.observed, more]) - screen.control
    assert found.n_others == 12
    for row in range(9):
        keep = screen.kept(row) if masked else slice(None)
        distance = cdist(pair.predicted[row : row + 1, keep], candidates[:, keep], SCIPY[metric])[0]
        assert found.closer[row] == (distance < distance[row]).sum()
    assert not found.tied.any()


@pytest.mark.parametrize("metric", SCIPY)
def test_equal_observations_tie_exactly(metric):
    rng = np.random.default_rng(2)
    observed = np.repeat(rng.normal(size=(5, 701)), 3, axis=0)
    exclude = np.repeat(rng.random((5, 701)) < 0.1, 3, axis=0)
    found = standing(judge(observed + 0.1, observed, exclude=exclude), metric, None)
    np.testing.assert_array_equal(found.tied, 2)


def test_undefined():
    observed = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    predicted = np.array([[0.0, 0.0], [1.0, 1.0], [np.nan, 1.0]])
    found = standing(judge(predicted, observed, control=np.zeros(2)), "cosine", None)
    assert np.isnan(found.closer).all()
    found = standing(judge(observed[:1], observed[:1]), "l2", None)
    assert np.isnan(found.share_closer).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distractors": np.ones((1, 3))}, "distractors has 3 genes, but observed has 2"),
        ({"distractors": np.ones(2)}, "distractors has shape"),
        ({"distractors": np.full((1, 2), np.nan)}, "distractors.*is not finite"),
        ({"distractors": np.ones((1, 2)), "control": np.zeros((2, 2))}, "distractors= have no control"),
        ({"observed": np.array([[np.nan, 1.0], [1.0, 2.0]]), "exclude": np.eye(2, dtype=bool)}, "observed.*not finite"),
    ],
)
def test_errors(change, message):
    args = {"predicted": np.eye(2), "observed": np.eye(2), "control": np.zeros(2)} | change
    with pytest.raises(InputError, match=message):
        retrieval(args.pop("predicted"), args.pop("observed"), **args)


def test_excluded_genes_of_all_can_be_left_out_for_all(screen):
    everywhere = screen.exclude.any(axis=0)
    kept = ~everywhere
    np.testing.assert_array_equal(
        centroid_accuracy(screen.predicted, screen.observed, exclude=everywhere),
        centroid_accuracy(screen.predicted[:, kept], screen.observed[:, kept]),
    )
