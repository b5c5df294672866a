"""`pl.waterfall`: one combination, gene by gene: observed, predicted, and the sum of its singles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._arguments import positions, require_whole
from scclamp._errors import InputError, list_some
from scclamp._keys import CONTROL, SEPARATOR
from scclamp.pl._axes import COLOURS, finish, names_below, new_axes
from scclamp.pl._panels import stacked
from scclamp.pl._seen import correlation, key_of, require_shifts, seen_as, shared_genes, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NAMES = 70
"""Genes whose names fit below a figure of a page's width."""
_LABELLED = 8
_LETTER = 5.0
"""Points that a letter of a name takes, the space to the next name included."""
_MARKERS = {"predicted": ("o", COLOURS["predicted"]), "sum of singles": ("_", "0.25")}


@dataclass(frozen=True, eq=False)
class Shifts:
    """Shifts of one combination from control, over the genes that it does not clamp.

    Parameters
    ----------
    genes
        Names.
    observed, predicted
        Of the combination.
    additive
        Sum of the observed shifts of its genes alone.
    """

    genes: np.ndarray
    observed: np.ndarray
    predicted: np.ndarray
    additive: np.ndarray

    def take(self, at: np.ndarray) -> Shifts:
        """Some of the genes, in the order given."""
        return Shifts(self.genes[at], self.observed[at], self.predicted[at], self.additive[at])


def waterfall(
    adata: AnnData,
    observed: pd.DataFrame | AnnData,
    *,
    condition: str | None = None,
    genes: str | Sequence[str] | None = None,
    n_genes: int = 60,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw the shift of every gene under one combination: observed, predicted, and the sum of the singles.

    Genes are sorted by their observed shift. Below, the same minus the sum of the singles: what is observed beyond that sum, and
    what the network predicts of it. Genes that the combination clamps are left out.

    Parameters
    ----------
    adata
        What `tl.predict_clamps` returned for new conditions.
    observed
        As in `pl.predictions`. It must hold the combination and each of its genes alone.
    condition
        Combination to draw; needed where `adata` holds several.
    genes
        Genes to draw; by default those with the largest shift, observed or additive.
    n_genes
        Number of genes drawn when `genes` is not given.
    ax
        Axes to draw on; by default those of a new figure.
    show
        Whether to show the figure.
    return_fig
        Whether to return the figure.

    Returns
    -------
    The axes around both panels, the figure with `return_fig`, or None when shown. The correlations are over all genes that are free, drawn or not.
    That of residuals stands beside the one of no change at all, since both residuals contain the same sum.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> double = sc_c.tl.predict_clamps(adata, ["REG01+REG05"])
    >>> len(sc_c.pl.waterfall(double, adata, n_genes=20).child_axes)
    2
    """
    shifts, name = _read(adata, observed, condition)
    if genes is not None:
        chosen = positions("genes", genes, shifts.genes.tolist())
    else:
        size = np.maximum(np.abs(shifts.observed), np.abs(shifts.additive))
        chosen = np.argsort(-size, kind="stable")[: require_whole("n_genes", n_genes)]
    drawn = shifts.take(chosen[np.argsort(-shifts.observed[chosen], kind="stable")])
    most = names_below(ax, _MOST_NAMES)
    ax = new_axes(ax, (1.4 + 0.1 * min(max(len(chosen), 40), _MOST_NAMES), 4.6))
    above, below = stacked(ax, [3, 2], gap=0.4)
    _draw(above, drawn.observed, {"predicted": drawn.predicted, "sum of singles": drawn.additive})
    _draw(below, drawn.observed - drawn.additive, {"predicted": drawn.predicted - drawn.additive})
    above.set_ylabel("shift from control\n(log expression)", fontsize=8)
    below.set_ylabel("shift beyond the\nsum of singles", fontsize=8)
    # One line above the correlation, and observed first as in the bars.
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 1.6}
    handles = [*above.containers, *above.lines[:2]]
    above.legend(handles=handles, frameon=False, fontsize=8, ncols=3, handlelength=1.4, **place)
    above.set_xticks([])
    _name_genes(below, drawn, most)
    for panel, text in zip((above, below), _scores(shifts), strict=True):
        panel.set_title(text, fontsize=8, loc="right", pad=4)
    ax.set_title(name, fontsize=9, loc="left", pad=32)
    return finish(ax, show=show, return_fig=return_fig)


def _read(adata: AnnData, observed: Any, condition: str | None) -> tuple[Shifts, str]:
    """Shifts of the condition that is meant, and its name."""
    require_shifts(adata)
    table = table_of(observed, key_of(adata))
    genes = shared_genes(adata, table)
    seen = {name: held for name, held in seen_as(adata, table).items() if SEPARATOR in held}
    name = _chosen(seen, condition)
    held = seen[name]
    if missing := [each for each in (held, *held.split(SEPARATOR)) if each not in table.index]:
        msg = f"observed has no {list_some(missing)}, which {name!r} is compared with. Pass the screen that holds the combination and its singles."
        raise InputError(msg)
    shift = table[genes].astype(float) - table.loc[CONTROL, genes].astype(float)
    free = np.array([gene not in held.split(SEPARATOR) for gene in genes])
    found = Shifts(
        genes=np.array(genes),
        observed=shift.loc[held].to_numpy(),
        predicted=adata.to_df("shift").loc[name, genes].to_numpy(float),
        additive=shift.loc[held.split(SEPARATOR)].to_numpy().sum(0),
    )
    return found.take(np.flatnonzero(free)), name


def _chosen(combinations: dict[str, str], condition: str | None) -> str:
    """Name of the condition to draw."""
    if not combinations:
        raise InputError("adata holds no combination. Predict one: scclamp.tl.predict_clamps(adata, ['A+B']).")
    if condition is None and len(combinations) > 1:
        msg = f"condition=None leaves open which of {len(combinations)} to draw. Name one of {list_some(combinations)}."
        raise InputError(msg)
    names = list(combinations)
    at: int = positions("condition", None if condition is None else [condition], names)[0]
    return names[at]


def _draw(ax: Axes, observed: np.ndarray, others: dict[str, np.ndarray]) -> None:
    """Observed shifts as bars, what is compared with them as points."""
    at, many = np.arange(len(observed)), len(observed) > _MOST_NAMES
    # No gaps where these would be finer than a printed line.
    ax.bar(at, observed, width=1.0 if many else 0.8, color=COLOURS["observed"], alpha=0.45, lw=0, label="observed")
    for label, values in others.items():
        marker, colour = _MARKERS[label]
        line = 0 if marker == "o" else 1.3
        ax.plot(at, values, ls="", marker=marker, ms=2 if many else 3.5, mew=line, color=colour, zorder=3, label=label)
    ax.axhline(0, color="0.4", lw=0.6)
    ax.set_xlim(-0.8, len(observed) - 0.2)
    ax.tick_params(labelsize=7)
    ax.spines[["top", "right"]].set_visible(False)


def _name_genes(ax: Axes, shifts: Shifts, most: int) -> None:
    """Names below where they fit; else those of the largest residuals, no two of them so close that they meet."""
    n = len(shifts.genes)
    if n <= most:
        ax.set_xticks(range(n), shifts.genes, rotation=90, fontsize=7)
        ax.tick_params(axis="x", length=0)
        return
    ax.set_xticks([])
    ax.set_xlabel(f"{n} genes, sorted by their observed shift", fontsize=8)
    residual = shifts.observed - shifts.additive
    points = ax.get_window_extent().width / ax.figure.dpi * 72
    half = np.array([_LETTER * len(gene) for gene in shifts.genes]) / 2 * n / points
    # Where the name would leave the panel, it moves inwards.
    middle = np.clip(np.arange(n), half, n - 1 - half)
    named: list[int] = []
    for i in np.argsort(-np.abs(residual), kind="stable"):
        if len(named) < _LABELLED and all(abs(middle[i] - middle[k]) > half[i] + half[k] for k in named):
            named.append(int(i))
    for i in named:
        way = 1 if residual[i] > 0 else -1
        side = "bottom" if way > 0 else "top"
        at: dict[str, Any] = {"xytext": (0, 2 * way), "textcoords": "offset points", "ha": "center", "va": side}
        ax.annotate(shifts.genes[i], (middle[i], residual[i]), **at, fontsize=7)
    ax.margins(y=0.25)


def _scores(shifts: Shifts) -> tuple[str, str]:
    """Correlations over all free genes, each beside what the additive sum, or no change, reaches."""
    beyond = shifts.observed - shifts.additive
    of, nothing = correlation(shifts.predicted - shifts.additive, beyond), correlation(-shifts.additive, beyond)
    return (
        f"r = {correlation(shifts.predicted, shifts.observed)} (sum of singles {correlation(shifts.additive, shifts.observed)})",
        f"r = {of} (no change {nothing})",
    )
