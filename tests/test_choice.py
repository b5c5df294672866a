"""Conditions as they are named: by masks, by names, and by names whose genes stand in another order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scclamp._choice import choose
from scclamp._errors import InputError

NAMES = ("control", "A", "A+B", "B", "B+C+HLA-A")
GENES = {"A", "B", "C", "HLA-A"}


@given(st.lists(st.tuples(st.integers(1, len(NAMES) - 1), st.randoms(use_true_random=False))))
def test_genes_may_stand_in_any_order(drawn):
    asked, expected = [], np.zeros(len(NAMES), bool)
    for at, random in drawn:
        genes = NAMES[at].split("+")
        random.shuffle(genes)
        asked.append("+".join(genes))
        expected[at] = True
    np.testing.assert_array_equal(choose(asked, NAMES, GENES), expected)
    np.testing.assert_array_equal(choose(iter(asked), NAMES, GENES), expected)
    np.testing.assert_array_equal(choose(np.array(asked, dtype=str), NAMES, GENES), expected)


def test_one_name_is_no_list_of_letters():
    assert choose("B", NAMES, GENES).tolist() == [False, False, False, True, False]


def test_a_name_that_is_there_is_not_read_as_another():
    """`B+A` would be brought to `A+B`, unless a condition is called just that."""
    assert choose(["B+A"], ("control", "A+B", "B+A"), GENES).tolist() == [False, False, True]


def test_a_mask_is_taken_as_it_is_and_left_alone():
    mask = np.array([False, True, False, True, False])
    chosen = choose(mask, NAMES, GENES)
    np.testing.assert_array_equal(chosen, mask)
    chosen[:] = True
    assert mask.sum() == 2


def test_nothing_is_chosen_by_nothing():
    assert not choose([], NAMES, GENES).any()


@pytest.mark.parametrize(
    ("which", "message"),
    [
        (["A+C"], r"which='A\+C' is not a condition\..* Use names in conditions\.names\."),
        (["A+HLA-B"], r"which='A\+HLA-B'"),
        (np.array([True]), r"which=mask of shape \(1,\) does not fit 5 conditions"),
    ],
)
def test_what_is_not_there_is_named(which, message):
    with pytest.raises(InputError, match=message):
        choose(which, NAMES, GENES)
