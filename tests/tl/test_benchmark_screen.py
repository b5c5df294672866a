"""A screen under a split: who is judged, by which cells, and what training saw of them, counted once more from labels."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp._assignment import assign
from scclamp.tl._benchmark_screen import Screen

TEST, TRAIN, VALIDATION = -1, 0, 1
ROLES = {
    # condition: roles of its cells
    "control": [0, 0, 0, 1],
    "A": [0, 0, 1],
    "B": [0, -1, -1],
    "C": [-1, -1],
    "A+B": [-1, -1, -1],
    "A+C": [0, -1],
    "B+C": [0, 0],
    "A+C+D": [-1],
    "D": [1, 1],
}


def screen_of(roles, drop=()):
    kept = {name: each for name, each in roles.items() if name not in drop}
    labels = [name for name, each in kept.items() for _ in each]
    n = len(labels)
    X = np.random.default_rng(0).uniform(0, 3, (n, 5))
    adata = ad.AnnData(
        X,
        obs=pd.DataFrame({"perturbation": labels}, index=[str(i) for i in range(n)]),
        var=pd.DataFrame(index=["A", "B", "C", "D", "x"]),
    )
    cells = assign(adata, train_fraction=1.0, rng=0)
    whole = Screen(adata, cells, None, None, "error")
    return whole, whole.under(np.array([r for each in kept.values() for r in each], np.int8), "by hand")


@pytest.fixture
def screen():
    return screen_of(ROLES)[1]


def mean(screen, name, role):
    """Mean expression of the cells of a condition with a role."""
    labels = screen.data.obs["perturbation"].to_numpy()
    return screen.data.X[(labels == name) & (screen.cells.roles == role)].mean(0)


def names(screen):
    return [screen.cells.names[i] for i in screen.judged]


def test_what_has_test_cells_is_judged_by_them(screen):
    tested = sorted(name for name, roles in ROLES.items() if TEST in roles)
    assert names(screen) == tested
    assert screen.targets == [tuple(name.split("+")) for name in tested]
    np.testing.assert_allclose(screen.observed, [mean(screen, name, TEST) for name in tested], rtol=1e-12)


def test_subgroups_say_what_training_saw(screen):
    assert dict(zip(names(screen), screen.subgroups, strict=True)) == {
        "B": "seen_single",
        "C": "unseen_single",
        "A+B": "combo_seen2",
        "A+C": "seen_combo",
        "A+C+D": "combo_seen1",
    }


def test_where_nothing_is_tested_validation_judges():
    _, screen = screen_of({"control": [0, 0], "A": [0, 1], "B": [0, 0], "A+B": [1, 1]})
    assert names(screen) == ["A", "A+B"]
    np.testing.assert_allclose(screen.observed, [mean(screen, n, VALIDATION) for n in ("A", "A+B")], rtol=1e-12)


def test_shifts_start_from_training_controls_unless_some_are_tested(screen):
    np.testing.assert_allclose(screen.reference, mean(screen, "control", TRAIN), rtol=1e-12)
    _, other = screen_of(ROLES | {"control": [0, 0, -1, -1]})
    np.testing.assert_allclose(other.reference, mean(other, "control", TEST), rtol=1e-12)


def test_training_knows_nothing_of_test_cells(screen):
    conditions = screen.conditions
    trained = sorted(name for name, roles in ROLES.items() if {TRAIN, VALIDATION} & set(roles))
    assert sorted(conditions.names) == sorted(["control", *(name for name in trained if name != "control")])
    at = conditions.names.index("B")
    assert conditions.train_n[at] == 1
    np.testing.assert_allclose(conditions.train_mean[at], mean(screen, "B", TRAIN), rtol=1e-12)


def test_means_of_conditions_without_cells_are_none(screen):
    at = [screen.cells.names.index(name) for name in ("C", "D", "A")]
    found, n = screen.means(at, screen.cells.roles == VALIDATION)
    assert n.tolist() == [0, 2, 1]
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:], [mean(screen, name, VALIDATION) for name in ("D", "A")], rtol=1e-12)


def test_a_digest_tells_what_is_seen_and_judged_apart(screen):
    whole, again = screen_of(ROLES)
    assert again.digest == screen.digest
    roles = screen.cells.roles
    swapped = roles.copy()
    first, last = np.flatnonzero(screen.data.obs["perturbation"] == "B")[[0, -1]]
    swapped[[first, last]] = roles[[last, first]]
    assert whole.under(swapped, "by hand").digest != screen.digest
    changed = screen.data.copy()
    changed.X[np.flatnonzero(roles == TEST)[0], 4] += 1e-3
    assert Screen(changed, screen.cells, None, None, "error").digest != screen.digest, "a cell that judges"
    assert whole.under(roles, "another name").digest == screen.digest
