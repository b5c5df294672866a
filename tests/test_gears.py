"""GEARS' dictionaries, in its own spelling of conditions."""

from __future__ import annotations

import re

import pytest

from scclamp._errors import InputError, InputWarning
from scclamp._gears import read_split_dict


def test_order_controls_and_old_symbols_do_not_matter():
    given = {"train": ["ctrl", "ctrl+A "], "val": ["B+ctrl"], "test": ["C19orf26+A"], "test_subgroup": None}
    roles, groups = read_split_dict(given, ["A", "B", "A+CBARP"], ["A", "B", "CBARP"])
    assert roles == {"A": "train", "B": "val", "A+CBARP": "test"}
    assert groups == {}


def test_groups_of_both_kinds_are_taken_for_conditions_that_occur():
    given = {"train": ["A+ctrl"], "test": ["B+ctrl"], "val_subgroup": {"unseen_single": ["C+ctrl"]},
             "test_subgroup": {"unseen_single": ["B+ctrl"]}}  # fmt: skip
    assert read_split_dict(given, ["A", "B"], []) == ({"A": "train", "B": "test"}, {"B": "unseen_single"})


def test_a_label_that_cannot_be_read_is_named():
    with pytest.raises(InputError, match=r"split_dict= has the label 'x_y'"):
        read_split_dict({"train": ["x_y"]}, ["A"], ["A"])


def test_what_does_not_match_is_said():
    with pytest.warns(InputWarning, match="names 1 conditions without observations here: 'C'"):
        with pytest.warns(InputWarning, match="does not name 1 conditions, which get no role: 'B'"):
            read_split_dict({"train": ["A", "C"]}, ["A", "B"], [])


@pytest.mark.parametrize("labels", ["A+ctrl", 3])
def test_what_is_no_list_of_conditions_is_named(labels):
    with pytest.raises(
        InputError, match=rf"split_dict= holds {re.escape(repr(labels))} where a list of conditions belongs"
    ):
        read_split_dict({"train": labels}, ["A"], ["A"])


@pytest.mark.parametrize(("given", "what"), [("norman.pkl", "a str"), ({"Train": []}, "a dictionary")])
def test_what_is_no_split_is_named(given, what):
    with pytest.raises(InputError, match=f"split_dict= is {what} that has none of 'train', 'val' and 'test'"):
        read_split_dict(given, ["A"], ["A"])
