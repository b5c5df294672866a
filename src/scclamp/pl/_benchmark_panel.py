"""One panel of a benchmark: a cell of colour and number for each predictor and score."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from scclamp.pl._axes import COLOURS
from scclamp.predictors import NULLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = {
    "skill": "skill",
    "pearson_delta": "Pearson\nΔ",
    "pearson_delta_top20": "Pearson\nΔ top 20",
    "cosine_delta": "cosine\nΔ",
    "direction_accuracy": "direction",
    "discrimination_score": "discrimi-\nnation",
    "mse": "MSE",
    "mae": "MAE",
}
"""Scores that can be drawn, as they are written above their column."""
_ERRORS = ("mse", "mae")
"""Scores of which less is better."""


class Panel(NamedTuple):
    """Scores of one split and subgroup: means over seeds (predictors, metrics), whose skill is certain, and a heading."""

    scores: pd.DataFrame
    certain: np.ndarray
    heading: str


def draw(ax: Axes, panel: Panel, names: list[str]) -> None:
    """One panel: colours by rank, numbers, and a line above the nulls."""
    from matplotlib import colormaps

    scores = panel.scores
    values, metrics = scores.to_numpy(float), list(scores.columns)
    goodness = values * np.where(scores.columns.isin(_ERRORS), -1, 1)
    shade = _ranks(goodness)
    colours = colormaps["Blues"].with_extremes(bad="white")
    ax.imshow(np.ma.masked_invalid(0.75 * shade), cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    null = np.array([name in NULLS for name in scores.index])
    reached = _reached(goodness, null)
    for i, j in np.ndindex(values.shape):
        text = _number(float(values[i, j]), metrics[j])
        colour = "white" if shade[i, j] > 0.75 else "black"
        weight = "bold" if metrics[j] == "skill" and panel.certain[i] else "normal"
        ax.text(j, i, text, ha="center", va="center", fontsize=7, color=colour, fontweight=weight)
        if reached[i, j]:
            ax.plot([j + 0.42], [i], marker="D", ms=3.5, color=COLOURS["observed"], mec="white", mew=0.5)
    for edge in np.arange(scores.shape[1] - 1) + 0.5:
        ax.axvline(edge, color="white", lw=1.5)
    if null.any() and not null.all():
        ax.axhline(np.flatnonzero(null)[0] - 0.5, color="black", lw=1.2)
    ax.set_xticks(range(scores.shape[1]), [NAMES[name] for name in metrics], fontsize=7)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)


def _ranks(goodness: np.ndarray) -> np.ndarray:
    """From 0 for the worst to 1 for the best of each column; NaN where there is no score."""
    ranks = pd.DataFrame(goodness).rank(method="average")
    found: np.ndarray = ((ranks - 1) / (ranks.count() - 1).clip(lower=1)).to_numpy()
    return found


def _reached(goodness: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Scores of predictors that the best null of the column is as good as."""
    best = np.max(np.where(null[:, None] & np.isfinite(goodness), goodness, -np.inf), axis=0, initial=-np.inf)
    reached: np.ndarray = np.isfinite(goodness) & ~null[:, None] & (best >= goodness)
    return reached


def _number(value: float, metric: str) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.3g}" if metric in _ERRORS else f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
