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
    array = array.astype(bool)
    if not array.any() or array.all():
        raise InputError("labels are all alike, so that no ranking of them can be judged. Include both kinds.")
    return array


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
    mask = np.ones(truth.shape, dtype=bool) if candidates is None else np.array(candidates, dtype=bool)
    if mask.shape != truth.shape:
        raise InputError(
            f"candidates has shape {mask.shape}, but truth has {truth.shape}. Give one value for each pair."
        )
    if regulator_rows is not None:
        rows = np.asarray(regulator_rows)
        if rows.shape != truth.shape[1:] or (rows >= truth.shape[0]).any():
            raise InputError(
                f"regulator_rows has shape {rows.shape} and largest value {rows.max(initial=-1)}, but there are "
                f"{truth.shape[1]} regulators and {truth.shape[0]} genes. Give the row of each regulator, -1 for none."
            )
        measured = np.flatnonzero(rows >= 0)
        mask[rows[measured], measured] = False
    flat = np.zeros(truth.shape)
    flat[mask] = as_finite(np.asarray(scores)[mask], "scores")
    return flat[mask], truth[mask]
