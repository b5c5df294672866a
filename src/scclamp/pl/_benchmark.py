"""`pl.benchmark`: the table of `tl.benchmark` as a figure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pandas as pd

from scclamp._arguments import positions
from scclamp._errors import InputError, list_some
from scclamp.pl._axes import finish, new_axes
from scclamp.pl._benchmark_panel import NAMES, Panel, draw
from scclamp.pl._evaluation import plain
from scclamp.pl._panels import side_by_side, stacked
from scclamp.pl._text import text_width, widest
from scclamp.predictors import NULLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_USUAL = ["skill", "pearson_delta", "discrimination_score", "mse"]
_NEEDED = ("split", "seed", "subgroup", "predictor", "n_targets", "skill_low")
_KEY = (
    "Darker: better rank in the column. Diamond: a null is as good. Dash: no prediction. Bold skill: interval above 0."
)
_CELL = (0.56, 0.2)
"""Inches."""
_NARROWEST, _GAP, _WIDEST = 1.1, 0.23, 7.6
"""Inches of a panel, between two of them, and of all side by side; further panels stand below."""


def benchmark(
    table: pd.DataFrame,
    metrics: str | Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw every predictor and every null with their scores, a panel for each split and subgroup of targets.

    Parameters
    ----------
    table
        What `tl.benchmark` returned, or some of its rows.
    metrics
        Scores to show; by default skill, Pearson correlation and discrimination of shifts, and mean squared error.
    ax
        Axes to draw on; by default those of a new figure.
    show
        Whether to show the figure.
    return_fig
        Whether to return the figure.

    Returns
    -------
    The axes around the panels, the figure with `return_fig`, or None when shown. Each cell is the mean over seeds; the darker, the better its
    rank in the column. An orange diamond says that a null is as good as the predictor, a dash that nothing was predicted, bold that the
    95 % interval of the skill lies above 0 for every seed. Nulls stand below the line.

    There are no ceilings as in `pl.verdict`: in most splits training and judging share the control cells, so that predicted and
    observed shifts share their noise and a score may pass what an independent replicate would reach. `tl.evaluate` halves the
    controls too.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> table = sc_c.tl.benchmark(sc_c.datasets.simulated("tiny"), "linear_pca", splits=["additive", "singles"])
    >>> len(sc_c.pl.benchmark(table).child_axes)
    1
    """
    _require(table)
    known = [name for name in NAMES if name in table]
    chosen = [name for name in _USUAL if name in known] if metrics is None else _asked(metrics, known)
    rows = _rows(table)
    panels = _panels(table, rows, chosen)
    one = max(_CELL[0] * len(chosen), _NARROWEST)
    across = min(len(panels), max(1, int(_WIDEST / (one + _GAP))))
    down = -(-len(panels) // across)
    width = _width(ax, across * (one + _GAP) - _GAP)
    scale = width / (across * (one + _GAP) - _GAP)
    headings = [_wrapped(panel.heading, 72 * scale * one) for panel in panels]
    above = 0.45 + 0.15 * max(len(heading.splitlines()) for heading in headings)
    key = textwrap.fill(_KEY, int(18 * width))
    names = _names(rows)
    high = down * (above + _CELL[1] * len(rows)) + 0.13 * len(key.splitlines()) + 0.15
    ax = new_axes(ax, (widest(names, 8) / 72 + 0.2 + width, high))
    for i, strip in enumerate(stacked(ax, [_CELL[1] * len(rows)] * down, gap=above)):
        for j, place in enumerate(side_by_side(strip, [1.0] * across, gap=_GAP / one)):
            if (at := i * across + j) < len(panels):
                draw(place, panels[at], names if j == 0 else [])
                place.set_title(headings[at], fontsize=8, loc="left")
            else:
                place.set_axis_off()
    below: dict[str, Any] = {"xycoords": "axes fraction", "xytext": (0, -6), "textcoords": "offset points", "va": "top"}
    ax.annotate(key, (0, 0), fontsize=7, **below)
    return finish(ax, show=show, return_fig=return_fig)


def _width(ax: Axes | None, wanted: float) -> float:
    """Inches of all panels: those of the axes given, or of a figure of our own."""
    if ax is None:
        return max(wanted, 2 * _NARROWEST)
    return float(ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted()).width)


def _wrapped(heading: str, points: float) -> str:
    """Break lines that are longer than a panel is wide."""
    found = [""]
    for line in heading.split("\n"):
        for word in line.split(" "):
            longer = f"{found[-1]} {word}".lstrip()
            if text_width(longer, 8) > points and found[-1]:
                found.append(word)
            else:
                found[-1] = longer
        found.append("")
    return "\n".join(found[:-1])


def _require(table: object) -> None:
    if not isinstance(table, pd.DataFrame):
        msg = f"table is a {type(table).__name__}, not the table that scclamp.tl.benchmark returns. Call it first."
        raise InputError(msg)
    if missing := [name for name in _NEEDED if name not in table]:
        per_target = " It holds single targets: leave per_target out." if "target" in table else ""
        msg = f"table has no column {list_some(missing)}.{per_target} Pass what scclamp.tl.benchmark returned."
        raise InputError(msg)
    if not len(table):
        raise InputError("table has no rows. Pass what scclamp.tl.benchmark returned.")


def _asked(metrics: str | Sequence[str], known: list[str]) -> list[str]:
    return [known[i] for i in positions("metrics", metrics, known)]


def _rows(table: pd.DataFrame) -> list[str]:
    """Predictors, then nulls, each in the order of the table."""
    names = list(dict.fromkeys(table["predictor"].astype(str)))
    return [n for n in names if n not in NULLS] + [n for n in names if n in NULLS]


def _panels(table: pd.DataFrame, rows: list[str], metrics: list[str]) -> list[Panel]:
    found = []
    for (split, subgroup), own in table.groupby(["split", "subgroup"], sort=False):
        by_predictor = own.groupby("predictor")
        means = by_predictor[metrics].mean().reindex(rows)
        low = by_predictor["skill_low"].agg(lambda each: each.min(skipna=False)).reindex(rows)
        heading = f"{plain(str(split))}\n{_describe(str(subgroup), own)}"
        found.append(Panel(means, (low > 0).to_numpy(), heading))
    return found


def _describe(subgroup: str, own: pd.DataFrame) -> str:
    """Subgroup in words, with the number of its targets and seeds."""
    name = subgroup.replace("combo_seen", "combinations, genes seen: ")
    name = {"seen_combo": "seen combinations", "seen_single": "seen genes", "unseen_single": "unseen genes"}.get(
        name, name
    )
    n, seeds = sorted(own["n_targets"].unique()), own["seed"].nunique()
    targets = f"n = {n[0]}" if len(n) == 1 else f"n = {n[0]} to {n[-1]}"
    return f"{plain(name)}\n({targets}{f', {seeds} seeds' if seeds > 1 else ''})"


def _names(rows: list[str]) -> list[str]:
    return [f"{plain(name)} (null)" if name in NULLS else plain(name) for name in rows]
