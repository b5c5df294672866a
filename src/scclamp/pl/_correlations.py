"""`pl.correlations`: how well each combination is predicted, from the best to the worst, beside nulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scclamp._arguments import positions, require_choice
from scclamp._keys import DEFAULT_KEY
from scclamp.pl._axes import COLOURS, finish, names_below, new_axes
from scclamp.pl._evaluation import NETWORK, Evaluation, is_network, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mudata import MuData

_METRICS = {
    "r": "correlation with the observed shift (r)",
    "rho_nonadd": "correlation of residuals (confounded)",
    "mse": "mean squared error",
}
_MOST_NAMES = 70
_NULLS = ("additive", "no_change")
_STYLES = (("_", "0.25"), ("|", "#E69F00"), ("x", "#CC79A7"), ("+", "#009E73"))


def correlations(
    adata: AnnData | MuData,
    nulls: str | Sequence[str] | None = None,
    *,
    metric: Literal["r", "rho_nonadd", "mse"] = "r",
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    evaluation: str | None = None,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw the score of the network for every combination, sorted, beside what nulls score on the same one.

    Parameters
    ----------
    adata
        Data with a verdict of `tl.evaluate`.
    nulls
        Predictions to draw beside the network; by default the sum of the singles, or no change where that has no such score, and the
        strongest null.
    metric
        Pearson correlation of shifts, the residual correlation of the paper, or the squared error.
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
    The axes, the figure with `return_fig`, or None when shown. The legend counts for each null the combinations that the network predicts better.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> scores = sc_c.tl.evaluate(adata, n_bootstrap=200)
    >>> len(sc_c.pl.correlations(adata).get_xticklabels())
    6
    """
    require_choice("metric", metric, tuple(_METRICS))
    found = Evaluation.of(adata, mod, key, evaluation)
    table = found.pairs.pivot_table(index="combination", columns="prediction", values=metric, sort=False, dropna=False)
    chosen = _chosen(table, nulls, found.params["strongest"])
    table = table.sort_values(NETWORK, ascending=metric == "mse", kind="stable")
    n = len(table)
    most = names_below(ax, _MOST_NAMES)
    ax = new_axes(ax, (1.2 + 0.11 * min(max(n, 32), _MOST_NAMES), 4.0))
    at, size = np.arange(n), 4.5 if n <= most else 2.5
    for name, (marker, colour) in zip(chosen, _styles(chosen), strict=True):
        label = plain(name)
        if not is_network(name):
            label += f" (null; network better in {_better(table, name, metric)})"
        # Nulls lie on top: one that scores as the network does must not be hidden by it.
        style: dict[str, Any] = {
            "ms": size,
            "mew": 0 if name == NETWORK else 1.3,
            "zorder": 2 if name == NETWORK else 3,
        }
        ax.plot(at, table[name], ls="", marker=marker, color=colour, label=label, **style)
    best = table[[name for name in chosen if not is_network(name)]]
    if best.shape[1]:
        null = (best.min(axis=1) if metric == "mse" else best.max(axis=1)).to_numpy()
        ax.vlines(at, null, table[NETWORK], color=COLOURS["predicted"], lw=0.8, alpha=0.5, zorder=1)
    _name(ax, list(map(str, table.index)), most)
    ax.set_ylabel(_METRICS[metric], fontsize=8)
    ax.tick_params(axis="y", labelsize=7)
    ax.spines[["top", "right"]].set_visible(False)
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    ax.legend(frameon=False, fontsize=8, handletextpad=0.2, **place)
    return finish(ax, show=show, return_fig=return_fig)


def _chosen(table: pd.DataFrame, asked: str | Sequence[str] | None, strongest: str) -> list[str]:
    """The network, and the nulls beside it that have the score for some combination."""
    known = [str(name) for name in table.columns[table.notna().any()] if name != NETWORK]
    if asked is not None:
        return [NETWORK, *(known[i] for i in positions("nulls", asked, known))]
    usual = [name for name in _NULLS if name in known][:1]
    return [NETWORK, *dict.fromkeys(name for name in (*usual, strongest) if name in known)]


def _styles(chosen: Sequence[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = [("o", COLOURS["predicted"])]
    return found + [_STYLES[i % len(_STYLES)] for i in range(len(chosen) - 1)]


def _better(table: pd.DataFrame, null: str, metric: str) -> str:
    """For how many combinations the network has the better score, of those where both have one."""
    gain = (table[NETWORK] - table[null]).dropna() * (-1 if metric == "mse" else 1)
    return f"{int((gain > 0).sum())} of {len(gain)}"


def _name(ax: Axes, names: list[str], most: int) -> None:
    if len(names) <= most:
        ax.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    else:
        ax.set_xticks([])
        ax.set_xlabel(f"{len(names)} combinations, sorted by the network's score", fontsize=8)
    ax.set_xlim(-0.8, len(names) - 0.2)
