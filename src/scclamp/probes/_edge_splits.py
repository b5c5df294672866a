"""Splits of pairs for a translator: by gene, so that none is known by its name, and by data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._arguments import read_rng
from scclamp._errors import InputError, list_some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Bools = NDArray[np.bool_]


def gene_disjoint(
    sources: ArrayLike, targets: ArrayLike, *, test_share: float = 0.5, rng: int | np.random.Generator | None = None
) -> tuple[Bools, Bools]:
    """Divide genes in two, and keep the pairs that lie within one part; pairs across are in neither.

    A translator that meets a gene in training and again in the test may score it by how many edges it had.

    Parameters
    ----------
    sources, targets
        Names of the genes of each pair (n,).
    test_share
        Share of the genes that are for the test; the share of the pairs is about its square.
    rng
        Seed or generator.

    Returns
    -------
    Which pairs are for training and which for the test (n,).

    Examples
    --------
    >>> train, test = gene_disjoint(["A", "A", "C"], ["B", "C", "D"], rng=5)
    >>> train.astype(int), test.astype(int)
    (array([1, 0, 0]), array([0, 0, 1]))
    """
    names = np.asarray(sources, object), np.asarray(targets, object)
    if names[0].shape != names[1].shape or names[0].ndim != 1:
        raise InputError(
            f"sources and targets have shapes {names[0].shape} and {names[1].shape}. Give two names per pair."
        )
    if not 0 < test_share < 1:
        raise InputError(f"test_share={test_share!r} must lie between 0 and 1. It is a share of the genes.")
    at, genes = pd.factorize(np.concatenate(names), sort=True)
    n_test = round(test_share * len(genes))
    chosen = np.zeros(len(genes), bool)
    chosen[read_rng(rng).choice(len(genes), n_test, replace=False)] = True
    source, target = chosen[at].reshape(2, -1)
    train, test = ~source & ~target, source & target
    if not train.any() or not test.any():
        raise InputError(
            f"test_share={test_share!r} leaves {train.sum()} pairs of {len(genes)} genes for training and {test.sum()} for the "
            "test. Take another share, or more genes."
        )
    return train, test


def dataset_disjoint(pairs: Mapping[str, tuple[ArrayLike, ArrayLike]], held_out: str | list[str]) -> dict[str, Bools]:
    """Leave data sets out for the test, and take the pairs that share a gene with them out of the others.

    Parameters
    ----------
    pairs
        Names of the sources and of the targets of each data set's pairs.
    held_out
        The data sets for the test.

    Returns
    -------
    Which pairs of each data set are used: all of those held out, and of the others those whose two genes occur in none of
    the held out.

    Examples
    --------
    >>> pairs = {"hESC": (["A", "A"], ["B", "C"]), "mDC": (["C"], ["D"])}
    >>> {name: keep.astype(int) for name, keep in dataset_disjoint(pairs, "mDC").items()}
    {'hESC': array([1, 0]), 'mDC': array([1])}
    """
    left_out = [held_out] if isinstance(held_out, str) else list(held_out)
    if unknown := [name for name in left_out if name not in pairs]:
        raise InputError(f"held_out: {list_some(unknown)} is not there. There are {list_some(pairs)}.")
    if not left_out or len(set(left_out)) == len(pairs):
        raise InputError(f"held_out={held_out!r} leaves no data set on one side. Hold out some of {list_some(pairs)}.")
    found = apart_from(pairs, left_out)
    if not any(keep.any() for name, keep in found.items() if name not in left_out):
        raise InputError(
            f"held_out={held_out!r} shares a gene with every other pair, so none is left for training. Rename genes where one name "
            "means different genes, or hold out a part of its genes by gene_disjoint."
        )
    return found


def apart_from(pairs: Mapping[str, tuple[ArrayLike, ArrayLike]], left_out: Sequence[str]) -> dict[str, Bools]:
    """Which pairs of each data set share no gene with those left out, which keep all of theirs."""
    named = {name: [pd.Index(np.asarray(part, object)).astype(str) for part in given] for name, given in pairs.items()}
    seen = pd.unique(np.concatenate([part for name in left_out for part in named[name]]))
    found = {}
    for name, (source, target) in named.items():
        apart = ~source.isin(seen) & ~target.isin(seen)
        found[name] = np.ones(len(source), bool) if name in left_out else apart
    return found
