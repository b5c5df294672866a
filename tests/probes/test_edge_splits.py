"""What is held out shares no gene with what is learned from."""

import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.probes import dataset_disjoint, gene_disjoint

GENES = np.array([f"G{i}" for i in range(20)])
SOURCES, TARGETS = (a.ravel() for a in np.meshgrid(GENES[:8], GENES))


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_no_gene_is_on_both_sides_and_no_pair_within_a_side_is_lost(share):
    train, test = gene_disjoint(SOURCES, TARGETS, test_share=share, rng=0)
    here = {*SOURCES[train], *TARGETS[train]}
    there = {*SOURCES[test], *TARGETS[test]}
    assert not here & there
    assert len(there) == share * len(GENES)
    for pairs, genes in ((train, here), (test, there)):
        np.testing.assert_array_equal(pairs, np.isin(SOURCES, list(genes)) & np.isin(TARGETS, list(genes)))


def test_split_is_repeatable(untouched_rng):
    first, again, other = (gene_disjoint(SOURCES, TARGETS, rng=r)[0] for r in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("given", "share", "message"),
    [
        ((["A"], ["B", "C"]), 0.5, "two names per pair"),
        ((["A"], ["B"]), 1.0, "between 0 and 1"),
        ((["A"], ["B"]), 0.5, "leaves 0 pairs"),
    ],
)
def test_splits_that_cannot_be_are_refused(given, share, message):
    with pytest.raises(InputError, match=message):
        gene_disjoint(*given, test_share=share, rng=0)


PAIRS = {
    "one": (["A", "B", "E"], ["B", "C", "F"]),
    "two": (["C", "C"], ["D", "G"]),
    "three": (["E", "A"], ["G", "H"]),
}


def test_genes_of_the_held_out_are_met_nowhere_else():
    found = dataset_disjoint(PAIRS, "two")
    assert {name: keep.tolist() for name, keep in found.items()} == {
        "one": [True, False, True],
        "two": [True, True],
        "three": [False, True],
    }
    # Every pair of the first has a gene of the other two: A, C or E.
    with pytest.raises(InputError, match="none is left for training"):
        dataset_disjoint(PAIRS, ["two", "three"])


@pytest.mark.parametrize(
    ("held_out", "message"),
    [("four", "'four' is not there"), ([], "no data set on one side"), (list(PAIRS), "one side")],
)
def test_held_out_data_sets_must_be_some(held_out, message):
    with pytest.raises(InputError, match=message):
        dataset_disjoint(PAIRS, held_out)
