"""What a prediction adds to the strongest null."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def skill(errors: ArrayLike, null_errors: ArrayLike) -> float:
    """One minus the mean squared error over that of the strongest null, on the same conditions.

    Errors are pooled before they are divided: a mean of ratios is ruled by the conditions that hardly respond. Where
    several nulls are given the strongest is the one with the smallest total error on these conditions; in a bootstrap
    (`bootstrap_ci`) it is found anew in every sample.

    Parameters
    ----------
    errors
        Squared error of each condition, such as from `mse`.
    null_errors
        The same of a null, or conditions x nulls.

    Returns
    -------
    1 is perfect, 0 as good as the null, negative worse. NaN where an error is not finite, since leaving out what failed
    would flatter, and where the null is perfect.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.skill([1.0, 2.0], [[2.0, 3.0], [2.0, 3.0]])
    0.25
    """
    own, null = np.asarray(errors, dtype=np.float64), np.asarray(null_errors, dtype=np.float64)
    if own.ndim != 1 or null.ndim not in (1, 2) or len(null) != len(own) or not null.size:
        raise InputError(
            f"errors has shape {own.shape} and null_errors {null.shape}, but must hold one error for each condition, and "
            "one for each condition (and null). Compute both on the same conditions."
        )
    for name, values in (("errors", own), ("null_errors", null)):
        if (values < 0).any():
            raise InputError(
                f"{name} holds {values[values < 0][0]:g}, but a squared error is never negative. See mse()."
            )
    if not (np.isfinite(own).all() and np.isfinite(null).all()):
        return float("nan")
    strongest = float(np.min(null.sum(axis=0)))
    return 1.0 - float(own.sum()) / strongest if strongest > 0 else float("nan")
