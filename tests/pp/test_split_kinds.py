"""Kinds of splits on tables of names alone."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp.pp._split_kinds import Cells, Options, roles_of

NOTHING = dict.fromkeys(
    "train_fraction test_fraction val_fraction test of seen n_cells context_key context split_dict".split()
)


def cells(names, contexts=None):
    names = np.array(names, object)
    targets = {name: tuple(g for g in name.split("+") if g != "control") for name in names if name}
    ids = np.array([f"c{i}" for i in range(len(names))])
    return Cells(names, targets, ids, frozenset("AB"), None if contexts is None else pd.Series(contexts))


def test_cells_without_a_condition_or_context_have_no_role():
    table = cells(["control", "A", "", "control", "A", "A"], ["x", "x", "x", "y", "y", None])
    roles, groups = roles_of(table, Options.of("context", NOTHING | {"context_key": "k", "context": "y"}, 0))
    assert list(roles) == ["train", "train", "", "test", "test", ""]
    assert groups == {"A": "seen_elsewhere"}
    assert list(table.perturbed) == ["A"]


def test_unseen_in_the_other_contexts():
    table = cells(["control", "A", "control", "B"], ["x", "x", "y", "y"])
    _, groups = roles_of(table, Options.of("context", NOTHING | {"context_key": "k", "context": "y"}, 0))
    assert groups == {"B": "unseen"}


def test_low_sample_leaves_small_conditions_to_training():
    table = cells(["control"] * 4 + ["A"] * 2 + ["B"] * 6)
    roles, groups = roles_of(table, Options.of("low_sample", NOTHING | {"n_cells": 2, "test_fraction": 1.0}, 0))
    assert groups == {"B": "low_sample"}
    assert sorted(roles[6:]) == ["test"] * 4 + ["train"] * 2
    assert "test" not in roles[:6]


def test_options_are_json_and_have_defaults():
    options = Options.of("additive", NOTHING | {"test": ["A+B"], "seen": 2}, 7)
    found = json.loads(json.dumps(options.params()))
    assert (found["train_fraction"], found["test_fraction"], found["test"], found["seed"]) == (0.8, 1.0, ["A+B"], 7)
    assert Options.of("gears", NOTHING, 0).train_fraction == 1.0
    with pytest.raises(InputError, match=r"val_fraction=-1 must be between 0 and 1"):
        Options.of("singles", NOTHING | {"val_fraction": -1}, 0)
