"""`pl.nonadditive`: how far predictions go along what is observed beyond the additive sum, beside nulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scclamp._arguments import positions, require_choice
from scclamp._columns import unwrap
from scclamp._groups import groups_of
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.metrics import bootstrap_ci
from scclamp.pl._axes import COLOURS, finish, new_axes
from scclamp.pl._evaluation import NETWORK, Evaluation, is_network, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mudata import MuData

_METRICS = {
    "projection": "predicted residual along the observed one (1: as far as observed)",
    "rho_nonadd": "correlation of predicted and observed residual",
}
_NULL = "no_change"
_COLOURS = ("#E69F00", "#CC79A7", "#009E73", "#56B4E9", "#000000")
_LANE = 0.8
"""Height of all predictions of a group, of the 1 between two groups."""


def nonadditive(
    adata: AnnData | MuData,
    categories: str | Mapping[str, str] | None = None,
    *,
    metric: Literal["projection", "rho_nonadd"] = "projection",
    predictions: str | Sequence[str] | None = None,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    evaluation: str | None = None,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw how much of the residual of each combination is predicted, in groups, with nulls beside the network.

    Residuals are shifts minus the sum of the observed singles. That sum is in the predicted residual and in the observed one, so
    that a null that predicts no change at all scores as well, and often more: what counts is the distance between the two, which
    is written at the right with its paired interval.

    Parameters
    ----------
    adata
        Data with a fit and a verdict of `tl.evaluate`.
    categories
        Column of `obs`, or mapping from combinations, that groups them (such as kinds of genetic interaction).
    metric
        Projection of the predicted residual on the observed one, as in the paper, or their correlation.
    predictions
        Predictions to draw; by default the network, no change, and the strongest null.
    mod
        Modality of a MuData.
    key
        Prefix under which the fit was stored.
    evaluation
        The `key_added` of `tl.evaluate`; by default `f"{key}_evaluation"`.
    ax
        Axes to draw on; by default those of a new figure.
    show
        Whether to show the figure.
    return_fig
        Whether to return the figure.

    Returns
    -------
    The axes, the figure with `return_fig`, or None when shown. Points are combinations; a diamond is their mean, its line the 95 % bootstrap
    interval, which needs five of them.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> scores = sc_c.tl.evaluate(adata, n_bootstrap=200)
    >>> ax = sc_c.pl.nonadditive(adata, {"REG01+REG05": "redundant", "REG02+REG06": "redundant"})
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['all (6)', 'redundant (2)']
    """
    require_choice("metric", metric, tuple(_METRICS))
    found = Evaluation.of(adata, mod, key, evaluation)
    table = found.pairs.pivot_table(index="combination", columns="prediction", values=metric, sort=False, dropna=False)
    chosen = _chosen(table, predictions, found.params["strongest"])
    groups = _rows(table, _groups(adata, categories, list(table.index), mod, key))
    ax = new_axes(ax, (6.2, 1.2 + len(groups) * (0.17 + 0.13 * len(chosen))))
    for y, members in enumerate(groups.values()):
        for lane, name in enumerate(chosen):
            height = _LANE / len(chosen)
            _draw(ax, y - _LANE / 2 + (lane + 0.5) * height, height, table.loc[members, name], _colour(name, chosen))
    for value in (0, 1) if metric == "projection" else (0,):
        ax.axvline(value, color="0.8", lw=0.8, zorder=0)
    ax.set_yticks(range(len(groups)), [f"{name} ({len(members)})" for name, members in groups.items()], fontsize=8)
    ax.set(ylim=(len(groups) - 0.5, -0.5))
    ax.set_xlabel(_METRICS[metric], fontsize=8)
    ax.tick_params(axis="x", labelsize=7)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    if {NETWORK, _NULL} <= set(chosen):
        _write_gains(ax, [table.loc[members, NETWORK] - table.loc[members, _NULL] for members in groups.values()])
    _legend(ax, chosen)
    return finish(ax, show=show, return_fig=return_fig)


def _chosen(table: pd.DataFrame, asked: str | Sequence[str] | None, strongest: str) -> list[str]:
    """Predictions to draw that have the score for some combination."""
    known = [str(name) for name in table.columns[table.notna().any()]]
    if asked is None:
        return [name for name in dict.fromkeys((NETWORK, _NULL, strongest)) if name in known]
    return [known[i] for i in positions("predictions", asked, known)]


def _groups(adata: Any, categories: Any, names: list[str], mod: str | None, key: str) -> pd.Series:
    if categories is None:
        return pd.Series([None] * len(names), dtype=object)
    fit = decode(unwrap(adata, mod).adata, key)
    genes = {*fit.genes, *fit.regulators}
    return groups_of(adata, categories, names, genes=genes, params=fit.params, mod=mod)


def _rows(table: pd.DataFrame, groups: pd.Series) -> dict[str, list[str]]:
    """Combinations of each row: all of them, then the groups, in which the network gets furthest first."""
    names = pd.Series(table.index)
    found = {str(name): names[(groups == name).to_numpy()].tolist() for name in groups.dropna().unique()}
    first = table[NETWORK if NETWORK in table else table.columns[0]]
    order = sorted(found, key=lambda name: (-np.nan_to_num(first.loc[found[name]].mean(), nan=-np.inf), name))
    return {"all": names.tolist(), **{name: found[name] for name in order}}


def _draw(ax: Axes, y: float, height: float, values: pd.Series, colour: str) -> None:
    """Points of one prediction in one group, their mean and its interval."""
    points = values.dropna().to_numpy()
    if not len(points):
        return
    ax.scatter(points, y + height * _spread(points), s=7, color=colour, alpha=0.45, lw=0, zorder=2)
    mean = bootstrap_ci(points, rng=0)
    ax.plot([mean["low"], mean["high"]], [y, y], color=colour, lw=2.2, zorder=3, solid_capstyle="butt")
    ax.plot([mean["estimate"]], [y], marker="D", ms=4.5, mfc=colour, mec="white", mew=0.7, zorder=4)


def _spread(values: np.ndarray) -> np.ndarray:
    """Offsets within half a lane, such that neighbours do not hide each other; the same ones every time."""
    order = np.argsort(values, kind="stable")
    steps = np.array([0.0, 0.24, -0.24, 0.12, -0.12, 0.36, -0.36])
    offsets = np.zeros(len(values))
    offsets[order] = steps[np.arange(len(values)) % len(steps)] if len(values) > 1 else 0.0
    return offsets


def _write_gains(ax: Axes, gains: Sequence[pd.Series]) -> None:
    """Paired difference between the network and no change, at the right of each group."""
    at: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "fontsize": 7, "va": "center"}
    for y, gain in enumerate(gains):
        mean = bootstrap_ci(gain.to_numpy(float), rng=0)
        text = f"{mean['estimate']:+.2f}"
        if np.isfinite(mean["low"]):
            text += f" [{mean['low']:+.2f}, {mean['high']:+.2f}]"
        ax.annotate(text.replace("-", "−"), (1.02, y), **at)
    ax.annotate("network minus\nno change", (1.02, 1), xycoords="axes fraction", fontsize=7, va="bottom")


def _colour(name: str, chosen: Sequence[str]) -> str:
    if name in (NETWORK, _NULL):
        return COLOURS["predicted" if name == NETWORK else "reference"]
    others = [each for each in chosen if each not in (NETWORK, _NULL)]
    return _COLOURS[others.index(name) % len(_COLOURS)]


def _legend(ax: Axes, chosen: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    labels = {name: plain(name) if is_network(name) else f"{plain(name)} (null)" for name in chosen}
    dot: dict[str, Any] = {"ls": "", "marker": "D", "ms": 4.5}
    handles = [Line2D([], [], color=_colour(name, chosen), label=label, **dot) for name, label in labels.items()]
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    ax.legend(handles=handles, frameon=False, fontsize=8, handletextpad=0.2, **place)
