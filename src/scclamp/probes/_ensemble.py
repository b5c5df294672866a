"""Several probes as one: the mean of their logits, or of their scores in units of their own spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def mean_logit(probabilities: Sequence[ArrayLike]) -> Floats:
    """Probability whose logit is the mean of the logits of several (Ens of the paper).

    Parameters
    ----------
    probabilities
        Of the same pairs, one array for each translator.

    Returns
    -------
    Probabilities of that shape; certainty on one side outweighs all but certainty on the other, which makes it NaN.

    Examples
    --------
    >>> mean_logit([[0.5, 0.9], [0.5, 0.1]])
    array([0.5, 0.5])
    """
    p = _stack(probabilities, "probabilities")
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError("probabilities must lie between 0 and 1. Combine other scores by standardised_mean.")
    with np.errstate(divide="ignore", invalid="ignore"):
        logit = (np.log(p) - np.log1p(-p)).mean(0)
        return np.exp(-np.logaddexp(0, -logit))


def standardised_mean(scores: Sequence[ArrayLike]) -> Floats:
    """Mean of scores of different scales, each less its mean and in units of its standard deviation.

    Parameters
    ----------
    scores
        Of the same pairs, one array for each probe; a probe that scores all pairs alike adds nothing.

    Returns
    -------
    Scores of that shape, to rank by.

    Examples
    --------
    >>> standardised_mean([[1.0, 3.0], [30.0, 10.0]])
    array([0., 0.])
    >>> standardised_mean([[1.0, 3.0], [10.0, 30.0]])
    array([-1.,  1.])
    """
    s = _stack(scores, "scores")
    axes = tuple(range(1, s.ndim))
    spread = s.std(axes, keepdims=True)
    centred = s - s.mean(axes, keepdims=True)
    # Rounding is no spread.
    spread_out = spread > 1e-12 * np.abs(s).max(axes, keepdims=True)
    return np.divide(centred, spread, out=np.zeros_like(s), where=spread_out).mean(0)


def _stack(arrays: Sequence[ArrayLike], name: str) -> Floats:
    given = [np.asarray(each, np.float64) for each in arrays]
    if not given or len({each.shape for each in given}) > 1 or not given[0].size:
        raise InputError(f"{name} have shapes {[each.shape for each in given]}. Give arrays of the same pairs.")
    if not all(np.isfinite(each).all() for each in given):
        raise InputError(f"{name} hold a NaN or an infinity. Leave out pairs that a probe cannot score.")
    return np.stack(given)
