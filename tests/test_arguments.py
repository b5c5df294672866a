import numpy as np
import pytest

from scclamp._arguments import positions, read_rng, require_choice, require_whole
from scclamp._errors import InputError


def test_choices():
    require_choice("mode", "fast", ("fast", "exact"))
    with pytest.raises(InputError, match=r"mode=True is not known\. Use one of 'fast', 'exact'\."):
        require_choice("mode", True, ("fast", "exact"))


@pytest.mark.parametrize("value", [1, np.int32(7), np.uint8(3)])
def test_whole_numbers_become_int(value):
    assert require_whole("n", value) == value
    assert type(require_whole("n", value)) is int


@pytest.mark.parametrize("value", [0, -1, True, np.True_, 2.0, "2", None, np.nan])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(InputError, match="must be a whole number of at least 1"):
        require_whole("n", value)


def test_positions_keep_the_order_asked_for_and_drop_repeats():
    known = ["A", "B", "C"]
    np.testing.assert_array_equal(positions("genes", None, known), [0, 1, 2])
    np.testing.assert_array_equal(positions("genes", ["C", "A", "C"], known), [2, 0])
    np.testing.assert_array_equal(positions("genes", "B", known), [1])
    for empty in ([], ()):
        with pytest.raises(InputError, match="genes is empty"):
            positions("genes", empty, known)
    with pytest.raises(InputError, match="genes: 'D', 'E' are not there"):
        positions("genes", ["A", "D", "E"], known)
    with pytest.raises(InputError, match="genes: 'D' is not there"):
        positions("genes", "D", known)


def test_only_genes_are_suggested_as_genes():
    with pytest.raises(InputError) as error:
        positions("genes", "ARID1A", ["ARID5A", "KLF1"])
    assert "Did you mean" not in str(error.value)
    with pytest.raises(InputError, match="Did you mean 'run_2'"):
        positions("conditions", "run_1", ["run_2", "other"])


def test_what_is_neither_a_name_nor_several_is_named():
    with pytest.raises(InputError, match=r"sources=0 is no name, nor several of them\. There are 'A'"):
        positions("sources", 0, ["A"])


def test_seeds_and_generators_give_the_same_draws():
    expected = np.random.default_rng(7).random(3)
    own = np.random.default_rng(7)
    assert read_rng(own, 0) is own
    for rng, seed in ((7, 0), (np.int64(7), 0), (None, 7)):
        np.testing.assert_array_equal(read_rng(rng, seed).random(3), expected)


@pytest.mark.parametrize("rng", [-1, 1.0, "7", True, np.random.RandomState])
def test_what_is_no_seed_is_refused(rng):
    with pytest.raises(InputError, match="is no seed"):
        read_rng(rng, 0)


def test_none_without_a_seed_is_chance():
    assert read_rng(None).integers(2**60) != read_rng(None).integers(2**60)
