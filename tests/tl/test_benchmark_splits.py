"""What may be passed as splits, and the roles that it gives: those of the column, or of `pp.split` itself."""

from dataclasses import replace

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._assignment import assign
from scclamp._errors import InputError
from scclamp.tl._benchmark_screen import Screen
from scclamp.tl._benchmark_splits import read_splits, to_text

ROLES = {"train": 0, "val": 1, "test": -1}


@pytest.fixture
def screen():
    adata = sc_c.datasets.simulated("tiny")
    adata.obs["fold"] = np.resize(["train", "val", "test"], adata.n_obs)
    adata.obs["combinations"] = "train"
    return Screen(adata, assign(adata, train_fraction=1.0, rng=0), None, None, "error")


def only(splits, screen):
    (found,) = read_splits(splits, screen)
    return found


def test_a_column_gives_its_roles_for_every_seed(screen):
    split = only("fold", screen)
    expected = [ROLES[word] for word in screen.data.obs["fold"]]
    for seed in (0, 1):
        np.testing.assert_array_equal(split.apply(screen, seed).cells.roles, expected)
    assert split.apply(screen, 1).cells.split == "fold, seed 1"


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ("singles", {"kind": "singles"}),
        ({"mine": {"kind": "holdout", "test_fraction": 0.5}}, {"kind": "holdout", "test_fraction": 0.5}),
    ],
)
@pytest.mark.parametrize("seed", [0, 5])
def test_a_kind_gives_the_roles_of_pp_split(screen, given, arguments, seed):
    before = set(screen.data.obs)
    found = only(given, screen).apply(screen, seed).cells
    assert set(screen.data.obs) == before
    plain = sc_c.datasets.simulated("tiny")
    sc_c.pp.split(plain, rng=seed, **arguments)
    expected = plain.obs["split"].astype(object).map(ROLES).fillna(-1)
    np.testing.assert_array_equal(found.roles, expected)


def test_observations_without_a_condition_have_no_role(screen):
    codes = screen.cells.codes.copy()
    codes[:9] = -1
    less = Screen(screen.data, replace(screen.cells, codes=codes), None, None, "error")
    assert (only("fold", less).apply(less, 0).cells.roles[:9] == -1).all()


def test_words_are_columns_first_and_come_once(screen):
    found = read_splits(["singles", "combinations", "fold", "singles"], screen)
    assert [(each.name, each.column) for each in found] == [
        ("singles", None),
        ("combinations", "combinations"),
        ("fold", "fold"),
    ]


def test_texts_tell_splits_apart(screen):
    splits = [
        *read_splits(["singles", "fold"], screen),
        *read_splits({"singles": {"kind": "holdout"}, "fold": {"kind": "singles"}}, screen),
        only({"singles": {"kind": "holdout", "test_fraction": 0.5}}, screen),
    ]
    assert len({to_text(each) for each in splits}) == len(splits)
    assert to_text(only("singles", screen)) == to_text(only({"singles": {"kind": "singles"}}, screen))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "splits is empty"),
        ("singels", r"'singels' is neither a column of obs nor a kind of pp\.split\. Did you mean 'singles'"),
        ({"mine": "singles"}, r"splits\['mine'\]='singles' must be a dict of arguments"),
        ({"mine": {"test_fraction": 0.5}}, "with its kind"),
        ({"mine": {"kind": "singles", "rng": 1}}, r"splits\['mine'\] sets 'rng', which the benchmark sets itself"),
    ],
)
def test_what_is_no_split_is_named(screen, given, message):
    with pytest.raises(InputError, match=message):
        read_splits(given, screen)


@pytest.mark.parametrize(
    ("role", "of_control", "message"),
    [("train", "train", "leaves nothing perturbed to test"), ("train", "test", "leaves no control observation")],
)
def test_a_split_that_cannot_be_judged_is_named(screen, role, of_control, message):
    control = (screen.data.obs["perturbation"] == "control").to_numpy()
    screen.data.obs["bad"] = np.where(control, of_control, role)
    with pytest.raises(InputError, match=message):
        only("bad", screen).apply(screen, 0)
