"""Roles of the cells of a condition: drawn by name, so that neither order nor other conditions matter."""

from __future__ import annotations

import hashlib

import numpy as np

from scclamp._arguments import read_rng
from scclamp._split import validation_counts


def seed_of(rng: int | np.random.Generator | None) -> int:
    """One number that reproduces a split.

    Examples
    --------
    >>> seed_of(3), seed_of(np.random.default_rng(0)) == seed_of(np.random.default_rng(0))
    (3, True)
    """
    drawn = read_rng(rng)
    return int(rng) if isinstance(rng, int | np.integer) else int(drawn.integers(2**53))


def generator(seed: int, name: str) -> np.random.Generator:
    """Draw for one purpose, whatever else is drawn."""
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "little")])


def in_order(rows: np.ndarray, ids: np.ndarray, seed: int, name: str) -> np.ndarray:
    """Rows of one condition in random order, which depends on their names alone.

    Examples
    --------
    >>> ids = np.array(["x", "y", "z"])
    >>> one = ids[in_order(np.arange(3), ids, 0, "KLF1")]
    >>> other = ids[::-1][in_order(np.arange(3), ids[::-1], 0, "KLF1")]
    >>> bool((one == other).all())
    True
    """
    by_name = rows[np.argsort(ids[rows], kind="stable")]
    return by_name[generator(seed, name).permutation(by_name.size)]


def train_and_validate(
    roles: np.ndarray, groups: dict[str, np.ndarray], ids: np.ndarray, train_fraction: float, seed: int
) -> None:
    """Write `train` and `val` into the rows of each group, with the paper's share of each.

    Examples
    --------
    >>> roles = np.full(5, "", object)
    >>> train_and_validate(roles, {"A": np.arange(5)}, np.arange(5), 0.8, seed=0)
    >>> sorted(roles)
    ['train', 'train', 'train', 'train', 'val']
    """
    for name, rows in groups.items():
        order = in_order(rows, ids, seed, name)
        n_val = int(validation_counts(np.array([rows.size]), train_fraction)[0])
        roles[order[:n_val]] = "val"
        roles[order[n_val:]] = "train"


def few_train(roles: np.ndarray, groups: dict[str, np.ndarray], ids: np.ndarray, n_cells: int, seed: int) -> None:
    """Write `train` into a few rows of each group, and `test` into the others.

    Examples
    --------
    >>> roles = np.full(5, "", object)
    >>> few_train(roles, {"A": np.arange(5)}, np.arange(5), 2, seed=0)
    >>> sorted(roles)
    ['test', 'test', 'test', 'train', 'train']
    """
    for name, rows in groups.items():
        order = in_order(rows, ids, seed, name)
        roles[order[:n_cells]] = "train"
        roles[order[n_cells:]] = "test"
