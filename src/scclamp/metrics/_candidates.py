"""Which pairs of a gene and a regulator a network is judged on, and checks of what is compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scclamp._errors import InputError

Floats = NDArray[np.float64]


def as_finite(values: ArrayLike, name: str) -> Floats:
    """Return a float64 array, or say which argument holds a NaN or an infinity and where."""
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError(
            f"{name}[{at}]={array[at]!r} is not finite. Rank such pairs last, by a score of 0, or leave them out."
        )
    return array


def as_labels(labels: ArrayLike, scores: Floats) -> NDArray[np.bool_]:
    """Return true and false labels of the shape of the scores, with at least one of each."""
    array = np.asarray(labels)
    if array.shape != scores.shape:
        raise InputError(
            f"labels has shape {array.shape}, but scores has {scores.shape}. Give one label for each score."
        )
    if array.dtype != bool:
        # A NaN and the text "False" are true to numpy.
        zero_or_one = array.dtype.kind in "iuf" and bool(np.isin(array, (0, 1)).all())
        if not zero_or_one:
            raise InputError(f"labels has dtype {array.dtype}, but must be True or False (or 1 or 0) for each score.")
        array = array.astype(bool)
    if not array.any() or array.all():
        raise InputError("labels are all alike, so that no ranking of them can be judged. Include both kinds.")
    return array


def as_regulator_rows(rows: ArrayLike, n_genes: int) -> NDArray[np.int64]:
    """Return the row of each regulator among the genes, -1 where it has none; no two may share one."""
    array = np.asarray(rows)
    whole = array.dtype.kind in "iu" or array.size == 0
    if array.ndim != 1 or not whole or (array < -1).any() or (array >= n_genes).any():
        raise InputError(
            f"regulator_rows has dtype {array.dtype} and shape {array.shape}, but must be one whole number for each "
            f"regulator, from 0 to {n_genes - 1}: its row among the genes, or -1 for none."
        )
    measured = array[array >= 0]
    if len(np.unique(measured)) < len(measured):
        values, counts = np.unique(measured, return_counts=True)
        raise InputError(f"regulator_rows names row {values[counts > 1][0]} twice. A gene has one column at most.")
    return array.astype(np.int64)


def select_pairs(
    scores: ArrayLike, truth: ArrayLike, regulator_rows: ArrayLike | None, candidates: ArrayLike | None
) -> tuple[Floats, Floats]:
    """Scores and true weights of the pairs under judgement, flat: all candidates but self-loops.

    Parameters
    ----------
    scores, truth
        Genes x regulators.
    regulator_rows
        Row of each regulator among the genes; -1 where it is not measured.
    candidates
        Mask of the pairs to judge; all by default.
    """
    truth = as_finite(truth, "truth")
    if truth.ndim != 2 or np.shape(scores) != truth.shape:
        raise InputError(
            f"scores has shape {np.shape(scores)} and truth {truth.shape}, but both must be genes x regulators. "
            "Bring both to the same genes and regulators."
        )
    mask = np.ones(truth.shape, dtype=bool) if candidates is None else np.array(candidates)
    if mask.shape != truth.shape or mask.dtype != bool:
        raise InputError(
            f"candidates has dtype {mask.dtype} and shape {mask.shape}, but must be a boolean mask of the shape of truth, "
            f"{truth.shape}. Mark the pairs to judge by True."
        )
    if regulator_rows is not None:
        rows = as_regulator_rows(regulator_rows, truth.shape[0])
        if rows.shape != truth.shape[1:]:
            raise InputError(
                f"regulator_rows has {len(rows)} values, but there are {truth.shape[1]} regulators. Give the row of each, -1 "
                "for none."
            )
        measured = np.flatnonzero(rows >= 0)
        mask[rows[measured], measured] = False
    flat = np.zeros(truth.shape)
    flat[mask] = as_finite(np.asarray(scores)[mask], "scores")
    return flat[mask], truth[mask]
