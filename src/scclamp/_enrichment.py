"""Statistics of overlaps: how likely a list of genes would meet a set, or known signs, by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def overlap_p(overlap: ArrayLike, n_drawn: ArrayLike, set_size: ArrayLike, panel: ArrayLike) -> NDArray[np.float64]:
    """Probability of at least this overlap when genes are drawn from the panel at random, without replacement.

    Parameters
    ----------
    overlap
        Number of drawn genes that are in the set.
    n_drawn
        Number of drawn genes.
    set_size
        Number of genes of the panel that are in the set.
    panel
        Number of genes of the panel.

    Returns
    -------
    Upper tail of the hypergeometric distribution, in the shape to which the arguments broadcast.

    Examples
    --------
    >>> float(8 * overlap_p(10, 25, 21, 2553))
    2.73e-15
    """
    counts = np.broadcast_arrays(*(np.asarray(value, np.int64) for value in (overlap, n_drawn, set_size, panel)))
    # A library has thousands of sets but few distinct sizes and overlaps.
    distinct, at = np.unique(np.stack([each.ravel() for each in counts], 1), axis=0, return_inverse=True)
    return _tail(*distinct.T)[at.ravel()].reshape(counts[0].shape)


def _tail(x: np.ndarray, n: np.ndarray, K: np.ndarray, N: np.ndarray) -> NDArray[np.float64]:
    from scipy.special import gammaln, logsumexp

    def log_choose(of: np.ndarray, some: np.ndarray) -> np.ndarray:
        return gammaln(of + 1.0) - gammaln(some + 1.0) - gammaln(of - some + 1.0)

    lowest, highest = np.maximum(0, n + K - N), np.minimum(n, K)
    columns = int((highest - x).max(initial=0)) + 1
    k = np.maximum(x, lowest)[:, None] + np.arange(columns)
    possible = k <= highest[:, None]
    k = np.where(possible, k, lowest[:, None])
    n, K, N = n[:, None], K[:, None], N[:, None]
    log_p = log_choose(K, k) + log_choose(N - K, n - k) - log_choose(N, n)
    tail = np.exp(logsumexp(np.where(possible, log_p, -np.inf), axis=1))
    # Where nothing less is possible the answer is exact.
    return np.where(x <= lowest, 1.0, np.minimum(tail, 1.0))


def fold(overlap: ArrayLike, n_drawn: ArrayLike, set_size: ArrayLike, panel: ArrayLike) -> NDArray[np.float64]:
    """Overlap over what is expected by chance; NaN where nothing is.

    Examples
    --------
    >>> float(fold(10, 25, 21, 2553))
    48.63
    """
    expected = np.asarray(n_drawn, np.float64) * np.asarray(set_size) / np.asarray(panel)
    overlap, expected = np.broadcast_arrays(np.asarray(overlap, np.float64), expected)
    return np.divide(overlap, expected, out=np.full(expected.shape, np.nan), where=expected > 0)


def bonferroni(p: ArrayLike, n_tests: int) -> NDArray[np.float64]:
    """Adjust p values for the number of tests.

    Examples
    --------
    >>> bonferroni([0.01, 0.5], 8)
    array([0.08, 1. ])
    """
    return np.minimum(1.0, np.asarray(p, np.float64) * n_tests)


def coin_p(n_agree: int, n_signs: int) -> float:
    """Probability of at least so many agreeing signs, were each of them a coin; NaN without any sign.

    Examples
    --------
    >>> coin_p(5, 5)
    0.03125
    """
    from scipy.special import bdtrc

    if not n_signs:
        return float("nan")
    return float(bdtrc(n_agree - 1, n_signs, 0.5)) if n_agree else 1.0
