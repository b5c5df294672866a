"""`pl.verdict`: everything that `tl.evaluate` found, as one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._arguments import positions
from scclamp._keys import DEFAULT_KEY
from scclamp._verdicts import CEILINGS
from scclamp.pl._axes import CEILING, COLOURS, finish, new_axes
from scclamp.pl._evaluation import NETWORK, Evaluation, is_network, plain
from scclamp.pl._panels import side_by_side
from scclamp.pl._verdict_headline import headline, number, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mudata import MuData

    from scclamp.pl._verdict_headline import Row

_AXES = {
    "skill": "skill over the\nstrongest null",
    "gain_in_r": "gain in r over the\nstrongest null",
    "r": "correlation with the\nobserved shift (r)",
    "rho_nonadd": "correlation of residuals\n(confounded)",
    "interaction": "interaction, other cells\n(cross-fitted)",
    "r2": "explained variance of\nshifts (R²)",
    "projection": "projection on observed\nresidual (confounded)",
    "top1": "own condition is the\nnearest (share)",
    "top5": "own condition among\nthe nearest 5 (share)",
    "mse": "mean squared error\n(lower is better)",
    "skill_without_network": "skill over the strongest\nnull without network",
    "gain_in_r_without_network": "gain in r, strongest\nnull without network",
}
_USUAL = ("skill", "gain_in_r", "r", "rho_nonadd", "interaction")
_UNBOUNDED = ("skill", "gain_in_r")
_CEILINGS = {"replicate": "--", "truth": ":"}


def verdict(
    adata: AnnData | MuData,
    metrics: str | Sequence[str] | None = None,
    *,
    group: str = "all",
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    evaluation: str | None = None,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw the scores of the network and of every null on the same combinations, and say in words which is better.

    Intervals of skill and gain in r are paired: every resample of the combinations draws all predictions and finds the strongest
    null anew. Those of the other metrics hold for one prediction alone; whether they overlap says nothing.

    Parameters
    ----------
    adata
        Data with a verdict of `tl.evaluate`.
    metrics
        Metrics to draw, side by side; by default skill, gain in r, r, the residual correlation of the paper, and the interaction
        score where cells could be halved.
    group
        Group of combinations (`categories` of `tl.evaluate`) to draw.
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
    The axes around the panels, the figure with `return_fig`, or None when shown. The blue line is the network; an orange diamond is a null that
    reaches it: what the network scores there is no evidence for it. Values beyond an axis are written at its end. Lines across
    the interactions are what the other half of the cells (a replicate) and a perfect prediction (the truth) would reach.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> scores = sc_c.tl.evaluate(adata, n_bootstrap=200)
    >>> len(sc_c.pl.verdict(adata).child_axes)
    5
    """
    found = Evaluation.of(adata, mod, key, evaluation)
    groups = list(dict.fromkeys(found.scores["group"]))
    scores = found.scores[found.scores["group"] == groups[positions("group", [group], groups)[0]]]
    known = [name for name in _AXES if name in set(scores["metric"])]
    usual = [name for name in known if name in _USUAL]
    chosen = usual if metrics is None else [known[i] for i in positions("metrics", metrics, known)]
    tables = {metric: table_of(scores, metric) for metric in chosen}
    rows = [
        name for name in dict.fromkeys(found.pairs["prediction"]) if any(name in table for table in tables.values())
    ]
    ax = new_axes(ax, (2.0 + 1.45 * len(chosen), 1.4 + 0.19 * len(rows)))
    panels = side_by_side(ax, [1.0] * len(chosen), gap=0.14)
    for panel, (metric, table) in zip(panels, tables.items(), strict=True):
        _draw(panel, metric, rows, table)
    _name_rows(panels, rows, found.params)
    width = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted()).width
    ax.set_title(
        headline(scores, found.params, group, int(15 * width)),
        fontsize=9,
        loc="left",
        pad=34 if _ceilings(tables) else 20,
    )
    _legend(ax, tables)
    return finish(ax, show=show, return_fig=return_fig)


def _draw(ax: Axes, metric: str, rows: Sequence[str], table: Mapping[str, Row]) -> None:
    """One metric: a point with its interval for each row."""
    network = table[NETWORK].value if NETWORK in table else np.nan
    ax.axvline(network, color=COLOURS["predicted"], lw=0.8, alpha=0.5, zorder=0)
    _draw_ceilings(ax, table)
    left = _left_end(metric, table)
    for y, name in enumerate(rows):
        figure = table.get(name)
        if figure is None or not np.isfinite(figure.value):
            ax.annotate("–", (0.02, y), xycoords=("axes fraction", "data"), va="center", color="0.6")
            continue
        style = _style(name, figure.value, network, lower_is_better=metric == "mse")
        if figure.value < left:
            text = f"◂ {number(figure.value, 2)}"
            ax.annotate(text, (0.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=7, color="0.35")
            continue
        ax.plot([figure.low, figure.high], [y, y], color=style["color"], lw=1.2, zorder=2, solid_capstyle="butt")
        ax.scatter([figure.value], [y], zorder=3, lw=0.8, **style)
    ax.set(ylim=(len(rows) - 0.4, -0.6), yticks=[])
    if np.isfinite(left):
        right = max(0.0, *(x for row in table.values() for x in row if np.isfinite(x)))
        room = 0.08 * (right - left)
        ax.set_xlim(left - room, right + room)
    ax.set_xlabel(_AXES[metric], fontsize=8)
    ax.tick_params(labelsize=7)
    ax.locator_params(axis="x", nbins=3)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _style(name: str, value: float, network: float, *, lower_is_better: bool) -> dict[str, Any]:
    if is_network(name):
        return {
            "color": COLOURS["predicted"],
            "s": 26,
            "facecolor": COLOURS["predicted"] if name == NETWORK else "white",
        }
    if (value <= network) if lower_is_better else (value >= network):
        return {"color": COLOURS["observed"], "s": 26, "marker": "D"}
    return {"color": COLOURS["reference"], "s": 20}


def _left_end(metric: str, table: Mapping[str, Row]) -> float:
    """Where an axis of what is unbounded below ends, so that the worst null leaves room to tell the others apart."""
    if not metric.startswith(_UNBOUNDED):
        return -np.inf
    own = [abs(x) for name, row in table.items() if is_network(name) for x in row if np.isfinite(x)]
    return -4 * max(0.05, *own)


def _draw_ceilings(ax: Axes, table: Mapping[str, Row]) -> None:
    """Lines at what another measurement, and the truth, would reach, with their intervals."""
    for name, line in _CEILINGS.items():
        if name in table and np.isfinite(table[name].value):
            value, low, high = table[name]
            ax.axvline(value, color=CEILING, ls=line, lw=1.2, zorder=1)
            if np.isfinite(low):
                ax.axvspan(low, high, color=CEILING, alpha=0.12, lw=0, zorder=0)


def _name_rows(panels: Sequence[Axes], rows: Sequence[str], params: Mapping[str, Any]) -> None:
    """Names on the left, the strongest nulls in bold; a rule where another kind of prediction begins."""
    strongest = {params["strongest"], params["strongest_without_network"]}
    panels[0].set_yticks(range(len(rows)), [plain(name) for name in rows], fontsize=8)
    panels[0].tick_params(axis="y", length=0)
    for name, label in zip(rows, panels[0].get_yticklabels(), strict=True):
        label.set_fontweight("bold" if name in strongest else "normal")
        label.set_color(COLOURS["predicted"] if is_network(name) else "black")
    kinds = [(is_network(name), name.endswith(", scaled")) for name in rows]
    for y in (i for i in range(1, len(rows)) if kinds[i] != kinds[i - 1]):
        for panel in panels:
            panel.axhline(y - 0.5, color="0.85", lw=0.8, zorder=0)


def _legend(ax: Axes, tables: Mapping[str, Mapping[str, Row]]) -> None:
    from matplotlib.lines import Line2D

    def dot(label: str, colour: str, marker: str = "o", face: str | None = None) -> Line2D:
        return Line2D([], [], ls="", marker=marker, color=colour, mfc=face or colour, ms=5, label=label)

    handles = [
        dot("network", COLOURS["predicted"]),
        dot("null", COLOURS["reference"]),
        dot("null that reaches the network", COLOURS["observed"], "D"),
    ]
    handles += [Line2D([], [], color=CEILING, ls=_CEILINGS[n], label=CEILINGS[n]) for n in _ceilings(tables)]
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=8, borderaxespad=0.3
    )


def _ceilings(tables: Mapping[str, Mapping[str, Row]]) -> list[str]:
    return [name for name in _CEILINGS if name in tables.get("interaction", {})]
