"""Counts that log-normalised expression stands for, for models that read counts."""

from __future__ import annotations

import math
from numbers import Real

from scclamp._errors import InputError


def counts_per_unit(depth: object, target_sum: object = 1e4) -> float:
    """Counts of a cell of this depth for one unit of normalised expression: counts are ``expm1(x) * depth / target_sum``.

    Parameters
    ----------
    depth
        Counts of a typical cell over its full transcriptome.
    target_sum
        What every cell was scaled to before the logarithm.

    Examples
    --------
    >>> counts_per_unit(12_000)
    1.2
    """
    if not _is_positive(depth):
        raise InputError(
            f"depth={depth!r} is no library size. Give the counts of a typical cell over its full transcriptome, such as the "
            "median of obs['n_counts_total'] of pp.recipe; the sum over a panel is not it, since a panel leaves counts out."
        )
    if not _is_positive(target_sum):
        raise InputError(f"target_sum={target_sum!r} is no library size. Give the sum that cells were normalised to.")
    return float(depth) / float(target_sum)  # type: ignore[arg-type]


def _is_positive(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and 0 < float(value) < math.inf
