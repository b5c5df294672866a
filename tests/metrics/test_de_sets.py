"""Overlaps of sets of moving genes, against a loop over every way in which ties could be broken."""

import itertools

import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.metrics._de_sets import shared

PREDICTED = np.array([[3.0, -2.0, 2.0, 0.0, 0.5], [1.0, 1.0, 1.0, 1.0, 0.0]])
OBSERVED = np.array([[-1.0, 4.0, 0.0, 4.0, 2.0], [0.0, 5.0, 5.0, 0.0, 0.1]])
CONTROL = np.zeros(5)
MASKS = {"significant": None, "predicted_significant": None, "exclude": None}


def every_top(shift, allowed, k):
    """All sets that are the k largest of the genes that moved, one for each order of ties."""
    moving = [i for i in np.flatnonzero(allowed) if shift[i] != 0]
    k = min(k, len(moving))
    least = [sum(abs(shift[i]) for i in each) for each in itertools.combinations(moving, k)]
    return [
        set(each)
        for each, total in zip(itertools.combinations(moving, k), least, strict=True)
        if np.isclose(total, max(least))
    ]


def expected(predicted, observed, allowed, also, k):
    """Mean size of the intersection over all orders of ties of either side."""
    guesses, truths = every_top(predicted, also, k), every_top(observed, allowed, k)
    return np.mean([len(guess & truth) for guess in guesses for truth in truths])


@pytest.mark.parametrize("k", [1, 2, 3])
def test_ties_count_by_their_chance(k):
    found = shared(PREDICTED, OBSERVED, control=CONTROL, **MASKS, sizes=lambda called, truly: (k, k, k))
    everywhere = np.ones(5, bool)
    by_hand = [expected(p, o, everywhere, everywhere, k) / k for p, o in zip(PREDICTED, OBSERVED, strict=True)]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)


def test_masks_restrict_their_own_side():
    significant = np.array([True, False, True, True, True])
    called = np.array([[True, True, True, True, False], [False, True, True, True, True]])
    exclude = np.array([False, False, False, True, False])
    masks = {"significant": significant, "predicted_significant": called, "exclude": exclude}
    found = shared(PREDICTED, OBSERVED, control=CONTROL, **masks, sizes=lambda called, truly: (2, 2, 2))
    by_hand = [
        expected(p, o, significant & ~exclude, c & ~exclude, 2) / 2
        for p, o, c in zip(PREDICTED, OBSERVED, called, strict=True)
    ]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)


def test_sizes_are_asked_with_the_numbers_of_genes_that_moved():
    asked = []

    def sizes(called, truly):
        asked.append((called, truly))
        return called, truly, truly

    shift = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    shared(PREDICTED + shift, OBSERVED + shift, control=shift, **MASKS, sizes=sizes)
    assert asked == [(4, 4), (4, 3)]


def test_a_condition_without_anything_to_divide_by_has_no_score():
    found = shared(
        PREDICTED, np.vstack([np.zeros(5), OBSERVED[1]]), control=CONTROL, **MASKS, sizes=lambda c, t: (t, t, t)
    )
    assert np.isnan(found[0])
    assert np.isfinite(found[1])


def test_a_prediction_that_is_no_number_has_no_score():
    broken = PREDICTED.copy()
    broken[0, 2] = np.nan
    found = shared(broken, OBSERVED, control=CONTROL, **MASKS, sizes=lambda c, t: (2, 2, 2))
    assert np.isnan(found).tolist() == [True, False]


@pytest.mark.parametrize("name", MASKS)
def test_positions_are_no_mask(name):
    with pytest.raises(InputError, match=f"{name} has dtype int64"):
        shared(PREDICTED, OBSERVED, control=CONTROL, **(MASKS | {name: [0, 1]}), sizes=lambda c, t: (1, 1, 1))
