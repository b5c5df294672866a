"""`pl.loss`: how a fit went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._columns import unwrap
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.pl._axes import COLOURS, finish, new_axes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mudata import MuData

_LEVELS = (
    ("validation_no_change", "no change", ("bottom", -1)),
    ("validation_targets", "training\nmeans", ("top", 1)),
)
"""Diagnostic, name, and where the name stands: one above its line and one below, so that they never meet."""
_MANY = 6


def loss(
    adata: AnnData | MuData,
    *,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw the perturbation loss of training and validation cells over the epochs.

    Both compare the same predictions, with means of different cells, those of training shrunken before the fit. A mean of few cells is noisy, and a fifth of the cells
    validates by default, so that validation lies above training by about the sampling noise of its means, which no network
    can predict: the distance between the lines is no overfitting, a validation that rises is. A flat validation whose dot is
    at epoch 0 says that the start was not improved upon, and kept.

    Two levels show what a validation loss is worth: that of predicting no change, above which a network is worse than
    nothing, and that of the training means themselves, shrunken as the fit shrinks them: a network that has learned them by
    heart. What is left there is sampling noise, most of it that of the validation cells.

    Parameters
    ----------
    adata
        Data with a fit.
    mod
        Modality of a MuData.
    key
        Prefix under which the fit was stored.
    ax
        Axes to draw on; by default those of a new figure.
    show
        Whether to show the figure.
    return_fig
        Whether to return the figure.

    Returns
    -------
    The axes, the figure with `return_fig`, or None when shown. One line for each member; dots mark the epochs whose
    network was kept; dashed the levels, the mean over members. Fits of versions that did not store them have none.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> sc_c.pl.loss(adata).get_xlabel()
    'epoch'
    """
    result = decode(unwrap(adata, mod).adata, key)
    ax = new_axes(ax, (4.5, 3.2))
    _draw_curves(ax, result.history, members=int(result.params["n_members"]))
    kept = np.atleast_1d(result.diagnostics["best_epoch"])
    best = np.atleast_1d(result.diagnostics["best_validation"])
    ax.scatter(kept, best, color=COLOURS["observed"], s=22, zorder=3, label="kept")
    _draw_levels(ax, result.diagnostics, last=int(result.history["epoch"].max()))
    # At last, since matplotlib 3.10 takes the limits of lines on a logarithmic axis for their logarithms.
    ax.set(xlabel="epoch", ylabel="squared error of a shift", yscale="log")
    ax.spines[["top", "right"]].set_visible(False)
    # Above the axes, where no curve can run through it.
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, borderaxespad=0)
    return finish(ax, show=show, return_fig=return_fig)


def _draw_curves(ax: Axes, history: pd.DataFrame, *, members: int) -> None:
    """One line for each member; where the training means validate too, both curves are one."""
    curves = {"training": ("perturbation", "predicted"), "validation": ("validation", "observed")}
    if np.array_equal(history["perturbation"], history["validation"]):
        curves = {"training (no cells to validate)": ("perturbation", "predicted")}
    style: dict[str, Any] = {"lw": 1.2} if members < _MANY else {"lw": 0.6, "alpha": 0.6}
    for label, (column, colour) in curves.items():
        table = history.pivot_table(index="epoch", columns="member", values=column)
        for i, member in enumerate(table.columns):
            ax.plot(table.index, table[member], color=COLOURS[colour], label=None if i else label, **style)


def _draw_levels(ax: Axes, diagnostics: Mapping[str, Any], *, last: int) -> None:
    """Dashed lines with their names beside them, where they cover no curve."""
    for name, text, (align, lift) in _LEVELS:
        level = float(np.mean(diagnostics.get(name, np.nan)))
        # Zero without cells to validate: training means have no error against themselves, and no place on this axis.
        if not level > 0:
            continue
        ax.hlines(level, 0, max(last, 1), color=COLOURS["reference"], ls="--", lw=1, zorder=2.5)
        at: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "xytext": (4, lift), "textcoords": "offset points"}
        ax.annotate(text, (1, level), **at, fontsize=8, color="0.35", va=align)
