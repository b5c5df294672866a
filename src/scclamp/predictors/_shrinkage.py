"""Shrinks a matrix along its singular vectors, by as much as predicts entries that were left out."""

from __future__ import annotations

import numpy as np

FACTORS = np.geomspace(1 / 32, 32, 21)
"""Penalties to choose from, in multiples of the median squared singular value."""
_FOLDS = 4


def shrink(matrix: np.ndarray, penalty: float) -> np.ndarray:
    """Shrink every singular value s to ``s * s^2 / (s^2 + penalty)``.

    Examples
    --------
    >>> import numpy as np
    >>> shrink(np.diag([3.0, 1.0]), 1.0)
    array([[2.7, 0. ],
           [0. , 0.5]])
    """
    if penalty == 0:
        return matrix
    U, s, V = np.linalg.svd(matrix, full_matrices=False)
    return (U * (s**3 / (s**2 + penalty))) @ V


def choose_penalty(matrix: np.ndarray) -> float:
    """Penalty whose shrinkage predicts left-out blocks best (bi-cross-validation of Owen and Perry, 2009).

    With ``[[A, B], [C, D]]``, A held out and D shrunken to D~, A is predicted by ``B D~^+ C``; rows and columns are dealt
    to folds in turn. A block has fewer columns than the matrix, so its noise has smaller singular values, and the penalty
    found is enlarged by as much. A matrix of fewer than four rows or columns is left as it is.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> signal = 3 * np.outer(rng.normal(size=20), rng.normal(size=100))
    >>> penalty = choose_penalty(signal + rng.normal(size=(20, 100)))
    >>> 30 < penalty < 3000
    True
    """
    n, m = matrix.shape
    if min(n, m) < _FOLDS:
        return 0.0
    squares = np.linalg.svd(matrix, compute_uv=False) ** 2
    unit = float(np.median(squares))
    # Exactly low-rank, or zero: nothing is noise.
    if unit <= squares[0] * np.finfo(float).eps:
        return 0.0
    penalties = unit * FACTORS * (1 - 1 / _FOLDS)
    errors = np.zeros(len(penalties))
    row_fold, column_fold = np.arange(n) % _FOLDS, np.arange(m) % _FOLDS
    for i in range(_FOLDS):
        for j in range(_FOLDS):
            rows, columns = row_fold == i, column_fold == j
            errors += _block_errors(matrix, rows, columns, penalties)
    return float(penalties[errors.argmin()] * _FOLDS / (_FOLDS - 1))


def _block_errors(matrix: np.ndarray, rows: np.ndarray, columns: np.ndarray, penalties: np.ndarray) -> np.ndarray:
    """Squared error of predicting one block, for each penalty."""
    held_out = matrix[np.ix_(rows, columns)]
    U, s, V = np.linalg.svd(matrix[np.ix_(~rows, ~columns)], full_matrices=False)
    left = matrix[np.ix_(rows, ~columns)] @ V.T
    right = U.T @ matrix[np.ix_(~rows, columns)]
    weights = s / (s**2 + penalties[:, None])
    return np.array([((held_out - (left * w) @ right) ** 2).sum() for w in weights])
