"""From predicted shifts to the tables of a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp.metrics import cross_fit_correlation, effective_rank, frobenius_norm, replicate_ceiling
from scclamp.tl._verdict import Interval, Scorer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scclamp.tl._judged import Judged

PER_PAIR = ("r", "r_nonadditive", "projection", "top1", "top5", "mse")
_COLUMNS = ("prediction", "metric", "group", "value", "low", "high", "n")


def per_pair(scorer: Scorer, judged: Judged, predictions: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Scores of every prediction for every combination."""
    parts = []
    for name, shift in predictions.items():
        columns = {"combination": judged.names, **scorer.scores(shift), "squared_error": scorer.errors(shift)}
        parts.append(pd.DataFrame({"prediction": name, **columns}))
    return pd.concat(parts, ignore_index=True)


def summarise(scorer: Scorer, pairs: pd.DataFrame, strongest: Mapping[str, str], groups: pd.Series) -> pd.DataFrame:
    """Means over combinations with intervals, skill and gain over nulls by suffix, over all and in each group."""
    rows = []
    nulls = {suffix: pairs[pairs["prediction"] == name] for suffix, name in strongest.items()}
    size = (np.where(scorer.free, scorer.observed, 0.0) ** 2).sum(1)
    for name, own in pairs.groupby("prediction", sort=False):
        for group, chosen in _chosen(groups):
            within = scorer.within(chosen)
            found = {metric: within.mean(own[metric].to_numpy()[chosen]) for metric in PER_PAIR}
            error = own["squared_error"].to_numpy()[chosen]
            found["r2"] = within.ratio(error, size[chosen])
            for suffix, null in nulls.items():
                found[f"skill{suffix}"] = within.ratio(error, null["squared_error"].to_numpy()[chosen])
                found[f"gain_in_r{suffix}"] = within.mean((own["r"].to_numpy() - null["r"].to_numpy())[chosen])
            rows += [(name, metric, group, *interval, int(chosen.sum())) for metric, interval in found.items()]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _chosen(groups: pd.Series) -> list[tuple[str, np.ndarray]]:
    names = [str(name) for name in groups.dropna().unique()]
    return [("all", np.ones(len(groups), bool)), *((name, (groups == name).to_numpy()) for name in sorted(names))]


def interactions(scorer: Scorer, judged: Judged, own: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Predicted interactions against observed residuals of halves of the cells, and how well the halves agree.

    Parameters
    ----------
    scorer
        Draws the intervals.
    judged
        The combinations.
    own
        For every prediction the shift minus the sum of its own singles, from the cells of either half (2, combinations,
        genes): what is learned from one half meets the residual of the other.
    """
    if judged.halves is None or judged.half_shifts is None:
        return pd.DataFrame(columns=_COLUMNS)
    observed = np.stack([s - judged.add(half) for s, half in zip(judged.half_shifts, judged.halves, strict=True)])
    exclude = ~judged.free
    found = {name: cross_fit_correlation(predicted, observed, exclude=exclude) for name, predicted in own.items()}
    # Scores are against one half, so that is the size of the replicate; noise-free truth would reach the root of it.
    found["replicate"] = replicate_ceiling(observed, factor=1.0, exclude=exclude)
    found["truth"] = replicate_ceiling(observed, of="truth", factor=1.0, exclude=exclude)
    rows = [(name, "interaction", "all", *scorer.mean(values), len(judged.names)) for name, values in found.items()]
    return pd.DataFrame(rows, columns=_COLUMNS)


def structure(A: np.ndarray) -> pd.DataFrame:
    """Size and effective rank of the weights."""
    figures = {"frobenius_norm": frobenius_norm(A), "effective_rank": effective_rank(A)}
    rows = [("network", name, "all", *Interval(value, np.nan, np.nan), A.shape[1]) for name, value in figures.items()]
    return pd.DataFrame(rows, columns=_COLUMNS)
