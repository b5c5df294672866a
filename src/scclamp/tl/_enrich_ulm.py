"""A second view of enrichment: decoupler's univariate linear model on whole columns of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._enrichment import bonferroni
from scclamp._errors import InputError
from scclamp._threads import kept_threads

if TYPE_CHECKING:
    from scclamp._result import Result
    from scclamp.tl._enrich_libraries import Library


def require_decoupler() -> Any:
    """Import decoupler, or say how to get it."""
    try:
        import decoupler
    except ImportError as error:
        raise InputError("ulm=True needs decoupler. Install scclamp[decoupler], or leave ulm=False.") from error
    return decoupler


def add_ulm(
    table: pd.DataFrame, library: Library, result: Result, regulators: np.ndarray, min_size: int
) -> pd.DataFrame:
    """Add t, its two-sided p, and that adjusted over the same sets as the test of the overlap."""
    from scipy.stats import t as student

    scores = _scores(library, result, regulators, min_size)
    t = np.array([scores.get(pair, np.nan) for pair in zip(table["regulator"], table["term"], strict=True)], float)
    p = 2 * student.sf(np.abs(t), len(result.genes) - 2)
    n_sets = 1 if library.signs is not None else len(library.terms)
    return table.assign(ulm=t, p_ulm=p, p_ulm_adjusted=bonferroni(p, n_sets))


def _scores(library: Library, result: Result, regulators: np.ndarray, min_size: int) -> dict[tuple[str, str], float]:
    net = library.net()
    net = net[net.groupby("source")["target"].transform("size") >= min_size]
    if net.empty:
        return {}
    weights = pd.DataFrame(
        _columns(result, regulators),
        index=[result.regulators[j] for j in regulators],
        columns=np.arange(len(result.genes)).astype(str),
    )
    # Constant columns have no slope and stay NaN.
    with np.errstate(divide="ignore", invalid="ignore"), kept_threads():
        # Genes without any weight are part of the panel: empty=False keeps them.
        found, _ = require_decoupler().mt.ulm(weights, net, tmin=min_size, empty=False)
    return {(str(i), str(j)): float(v) for i, row in found.iterrows() for j, v in row.items()}


def _columns(result: Result, regulators: np.ndarray) -> np.ndarray:
    """Weights (regulators, genes); a self-loop is set to the mean of the rest, where it moves no slope."""
    weights = result.A[:, regulators].T.astype(np.float64)
    for column, row in zip(weights, result.regulator_rows[regulators], strict=True):
        if row >= 0:
            column[row] = np.delete(column, row).mean()
    return weights
