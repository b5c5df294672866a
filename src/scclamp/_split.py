"""Which cells train and which validate, and which are drawn again for a bootstrap replicate."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from scclamp._errors import InputError, InputWarning, list_some

if TYPE_CHECKING:
    import pandas as pd

TRAIN, VALIDATION, LEFT_OUT = 0, 1, -1
_ROLES = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": LEFT_OUT,
    "ood": LEFT_OUT,
    "holdout": LEFT_OUT,
    "heldout": LEFT_OUT,
}


def stratified_roles(codes: np.ndarray, train_fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Split the rows of each condition into training and validation.

    A condition of one row trains; a larger one gives the rounded share, at least one row and never all, to validation.

    Parameters
    ----------
    codes
        Condition of each row; negative is left out.
    train_fraction
        Share of rows that train, in (0, 1]; at 1 nothing validates.
    rng
        Draws the rows.

    Returns
    -------
    Role of each row, int8.

    Examples
    --------
    >>> stratified_roles(np.array([0, 0, 0, 0, 0, 1, -1]), 0.8, np.random.default_rng(0))
    array([ 0,  0,  0,  1,  0,  0, -1], dtype=int8)
    """
    if not 0 < train_fraction <= 1:
        msg = f"train_fraction={train_fraction!r} must be above 0 and at most 1. The usual value is 0.8."
        raise InputError(msg)
    roles = np.where(codes >= 0, TRAIN, LEFT_OUT).astype(np.int8)
    rows = np.flatnonzero(codes >= 0)
    if train_fraction == 1 or not rows.size:
        return roles
    # Rows in random order within their condition; the first of each condition validate.
    order = rows[np.lexsort((rng.random(rows.size), codes[rows]))]
    sorted_codes = codes[order]
    counts = np.bincount(sorted_codes)
    rank = np.arange(order.size) - (np.cumsum(counts) - counts)[sorted_codes]
    roles[order[rank < validation_counts(counts, train_fraction)[sorted_codes]]] = VALIDATION
    return roles


def validation_counts(counts: np.ndarray, train_fraction: float) -> np.ndarray:
    """How many of so many rows validate: the rounded share, at least one and never all.

    Examples
    --------
    >>> validation_counts(np.array([1, 2, 10]), 0.8), validation_counts(np.array([10]), 1.0)
    (array([0, 1, 2]), array([0]))
    """
    least = int(train_fraction < 1)
    return np.clip(np.rint((1 - train_fraction) * counts), least, counts - 1).astype(np.int64)


def read_roles(column: pd.Series, split_key: str) -> np.ndarray:
    """Read roles from a column of train, val and test; test and missing values are left out.

    Examples
    --------
    >>> import pandas as pd
    >>> read_roles(pd.Series(["train", "valid", "test", None]), "split")
    array([ 0,  1, -1, -1], dtype=int8)
    """
    words = column.astype("string").str.strip().str.casefold()
    roles = words.map(_ROLES)
    unknown = column[roles.isna() & words.notna() & (words != "")].astype(str).unique()
    if len(unknown):
        msg = f"split_key={split_key!r} says no split: it has the values {list_some(unknown)}. "
        raise InputError(msg + "Name a column of obs with the values 'train', 'val' and 'test'.")
    return roles.fillna(LEFT_OUT).to_numpy(np.int8)


def bootstrap_weights(codes: np.ndarray, roles: np.ndarray, n_bootstrap: int, rng: np.random.Generator) -> np.ndarray:
    """How often each training row is drawn in each replicate, resampling within conditions.

    Parameters
    ----------
    codes, roles
        Condition and role of each row.
    n_bootstrap
        Number of replicates.
    rng
        Draws the rows.

    Returns
    -------
    Counts (replicates, rows), int32; in each replicate those of a condition add up to its training rows.

    Examples
    --------
    >>> bootstrap_weights(np.array([0, 0, 1]), np.array([0, 0, 0]), 2, np.random.default_rng(0)).sum(1)
    array([3, 3])
    """
    weights = np.zeros((n_bootstrap, codes.size), np.int32)
    train = np.flatnonzero((roles == TRAIN) & (codes >= 0))
    for rows in np.split(train[order := np.argsort(codes[train], kind="stable")], _ends(codes[train][order])):
        if rows.size:
            weights[:, rows] = rng.multinomial(rows.size, np.full(rows.size, 1 / rows.size), size=n_bootstrap)
    return weights


def _ends(sorted_codes: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff(sorted_codes)) + 1


def require_resamplable(n_bootstrap: int, train_n: np.ndarray, names: tuple[str, ...]) -> None:
    """Refuse a bootstrap of pseudobulk, and warn of conditions whose replicates cannot differ."""
    if train_n.max(initial=0) < 2:
        msg = (
            f"n_bootstrap={n_bootstrap!r} resamples cells, but every condition has at most one training observation. "
            "Pass an AnnData of cells, or n_bootstrap=0."
        )
        raise InputError(msg)
    alone = [name for name, n in zip(names, train_n, strict=True) if n == 1]
    if alone:
        msg = f"n_bootstrap={n_bootstrap!r}: {list_some(alone)} have one training observation each; their replicates are all alike."
        warnings.warn(msg, InputWarning, stacklevel=4)
