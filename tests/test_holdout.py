"""Held-out conditions against a direct reading of their definitions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scclamp._errors import InputError
from scclamp._holdout import (
    Share,
    by_seen,
    composable,
    hold_out_combinations,
    hold_out_genes,
    hold_out_singles,
    subgroups,
)

GENES = "ABCDEFGH"
sets = st.sets(st.frozensets(st.sampled_from(GENES), min_size=1, max_size=3), min_size=3, max_size=25)
seeds = st.integers(0, 100)


def targets_of(found):
    return {"+".join(sorted(genes)): tuple(sorted(genes)) for genes in sorted(found, key=sorted)}


@given(sets, seeds, st.floats(0.05, 0.5))
def test_singles(found, seed, fraction):
    targets = targets_of(found)
    singles = [name for name in targets if "+" not in name]
    assume(len(singles) > 1)
    roles = hold_out_singles(targets, Share(fraction), np.random.default_rng(seed))
    held = {name for name in singles if roles[name] == "test"}
    assert len(held) == max(1, round(fraction * len(singles)))
    assert all((roles[name] == "test") == bool(held & set(genes)) for name, genes in targets.items())


@given(sets, seeds)
def test_subgroups_count_genes_that_train_alone(found, seed):
    targets = targets_of(found)
    drawn = np.random.default_rng(seed).choice(["train", "test"], len(targets))
    roles = dict(zip(targets, map(str, drawn), strict=True))
    for name, group in subgroups(targets, roles).items():
        n = sum(roles.get(gene) == "train" for gene in targets[name])
        expected = f"combo_seen{n}" if len(targets[name]) > 1 else "unseen_single"
        assert group == (expected if roles[name] == "test" else "")


@given(sets)
def test_composable(found):
    targets = targets_of(found)
    assert composable(targets) == sorted(n for n, g in targets.items() if len(g) > 1 and all(x in targets for x in g))


@pytest.mark.parametrize("seed", range(10))
def test_by_seen_gives_each_level(seed):
    targets = targets_of({frozenset(c) for n in (1, 2) for c in combinations(GENES, n)})
    roles = by_seen(targets, Share(0.25), (0, 1, 2), np.random.default_rng(seed))
    groups = subgroups(targets, roles)
    assert {"unseen_single", "combo_seen0", "combo_seen1", "combo_seen2"} == set(groups.values()) - {""}
    # Two of eight genes: 1 pair of both, 2 x 6 of one, and a quarter of the 15 others.
    assert [list(groups.values()).count(f"combo_seen{n}") for n in (0, 1, 2)] == [1, 12, 4]
    roles = hold_out_genes(targets, Share(0.25), np.random.default_rng(seed))
    assert [list(roles.values()).count(role) for role in ("test", "train")] == [2 + 1 + 12, 6 + 15]


def test_rest_of_the_combinations():
    targets = targets_of([{"A"}, {"B"}, {"A", "B"}, {"A", "C"}])
    for rest in ("test", "train"):
        roles = hold_out_combinations(targets, Share(1.0), np.random.default_rng(0), rest=rest)
        assert roles == {"A": "train", "B": "train", "A+B": "test", "A+C": rest}


def test_what_cannot_be_met_is_counted():
    targets = targets_of([{"A"}, {"B"}, {"C"}, {"A", "B"}])
    with pytest.raises(
        InputError, match=r"0 conditions of 'combo_seen1' in 200 draws from 3 single genes, 1 combinations"
    ):
        by_seen(targets, Share(0.0, 0.0, ("C",)), (1,), np.random.default_rng(0))
    with pytest.raises(
        InputError, match="need 3 letters to test, 0 to validate and at least 1 to train, but there are 3"
    ):
        Share(1.0).draw("abc", "letters", np.random.default_rng(0), 1)


def test_nothing_to_hold_out_needs_another_kind():
    with pytest.raises(InputError, match=r"holds out letters, and there are none. Take another kind of split\.$"):
        Share().draw([], "letters", np.random.default_rng(0), 0)
