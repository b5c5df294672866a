"""From predicted shifts to the tables of a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp.metrics import cross_fit_correlation, effective_rank, frobenius_norm, replicate_ceiling
from scclamp.tl._verdict import Interval, Scorer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scclamp.tl._judged import Judged

PER_PAIR = ("r", "rho_nonadd", "projection", "top1", "top5", "mse")
_COLUMNS = ("prediction", "metric", "group", "value", "low", "high", "n")


def per_pair(scorer: Scorer, judged: Judged, predictions: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Scores of every prediction for every combination."""
    parts = []
    for name, shift in predictions.items():
        columns = {"combination": judged.names, **scorer.scores(shift), "squared_error": scorer.errors(shift)}
        parts.append(pd.DataFrame({"prediction": name, **columns}))
    return pd.concat(parts, ignore_index=True)


def strongest(pairs: pd.DataFrame, nulls: Sequence[str]) -> str:
    """Null with the smallest total error."""
    return str(pairs[pairs["prediction"].isin(nulls)].groupby("prediction", sort=False)["squared_error"].sum().idxmin())


def summarise(
    scorer: Scorer, pairs: pd.DataFrame, nulls: Mapping[str, Sequence[str]], groups: pd.Series
) -> pd.DataFrame:
    """Means over combinations with intervals, skill and gain over nulls by suffix, over all and in each group."""
    rows = []
    by_name = {str(name): own.reset_index(drop=True) for name, own in pairs.groupby("prediction", sort=False)}
    size = (np.where(scorer.free, scorer.observed, 0.0) ** 2).sum(1)
    for group, chosen in _chosen(groups):
        within = scorer.within(chosen)
        mine = {name: own.loc[chosen] for name, own in by_name.items()}
        errors = {name: own["squared_error"].to_numpy() for name, own in mine.items()}
        best = {suffix: min(names, key=lambda name: errors[name].sum()) for suffix, names in nulls.items()}
        for name, own in mine.items():
            found = {metric: (own[metric].to_numpy(), within.mean(own[metric].to_numpy())) for metric in PER_PAIR}
            found["r2"] = errors[name], within.ratio(errors[name], size[chosen])
            for suffix, names in nulls.items():
                gain = own["r"].to_numpy() - mine[best[suffix]]["r"].to_numpy()
                below = np.stack([errors[null] for null in names])
                found[f"skill{suffix}"] = errors[name], within.ratio(errors[name], below)
                found[f"gain_in_r{suffix}"] = gain, within.mean(gain)
            rows += [
                (name, metric, group, *interval, int(np.isfinite(values).sum()))
                for metric, (values, interval) in found.items()
            ]
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
    rows = [
        (name, "interaction", "all", *scorer.mean(values), int(np.isfinite(values).sum()))
        for name, values in found.items()
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def structure(A: np.ndarray) -> pd.DataFrame:
    """Size and effective rank of the weights."""
    figures = {"frobenius_norm": frobenius_norm(A), "effective_rank": effective_rank(A)}
    rows = [("network", name, "all", *Interval(value, np.nan, np.nan), A.shape[1]) for name, value in figures.items()]
    return pd.DataFrame(rows, columns=_COLUMNS)
