"""How often the sign of a true edge is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._arguments import require_whole
from scclamp._errors import InputError
from scclamp.metrics._candidates import select_pairs
from scclamp.metrics._ranks import top_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def sign_accuracy(
    scores: ArrayLike,
    truth: ArrayLike,
    *,
    regulator_rows: ArrayLike | None = None,
    candidates: ArrayLike | None = None,
    top_k: int | None = None,
) -> float:
    """Share of true edges whose sign is right; a score of zero has no sign and is wrong.

    Parameters
    ----------
    scores, truth
        Signed, genes x regulators; zero in `truth` is no edge.
    regulator_rows
        Row of each regulator among the genes, -1 for none, so that self-loops are left out.
    candidates
        Mask of the pairs to judge; all by default.
    top_k
        Judge only the true edges among the k largest absolute scores; pairs tied at the k-th count in part.

    Returns
    -------
    The share; NaN where the top holds no true edge.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.sign_accuracy([[0.3, -0.2], [0.0, 0.5]], [[1.0, 1.0], [0.0, 2.0]])
    0.6667
    """
    values, weights = select_pairs(scores, truth, regulator_rows, candidates)
    edge = weights != 0
    if not edge.any():
        raise InputError("truth has no edge among the pairs to judge. Check candidates= and the genes compared.")
    share = edge.astype(float) if top_k is None else edge * top_share(np.abs(values), check_top(top_k, len(values)))
    right = np.sign(values) == np.sign(weights)
    return float(share @ right / share.sum()) if share.sum() else float("nan")


def check_top(top_k: int, n_pairs: int) -> int:
    """Return `top_k`, or raise where there are not as many pairs."""
    if require_whole("top_k", top_k) > n_pairs:
        raise InputError(f"top_k={top_k!r}, but {n_pairs} pairs are judged. Choose a number between 1 and that.")
    return top_k
