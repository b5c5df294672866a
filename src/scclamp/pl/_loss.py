"""`pl.loss`: how a fit went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._columns import unwrap
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.pl._axes import COLOURS, finish, new_axes

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mudata import MuData


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

    Both compare the same predictions, with means of different cells. A mean of few cells is noisy, and a fifth of the cells
    validates by default, so that validation lies above training by about the sampling noise of its means, which no network
    can predict: the distance between the lines is no overfitting, a validation that rises is. A flat validation whose dot is
    at epoch 0 says that the start was not improved upon, and kept.

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
    network was kept.

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
    curves = (("perturbation", "training", "predicted"), ("validation", "validation", "observed"))
    for column, label, colour in curves:
        table = result.history.pivot_table(index="epoch", columns="member", values=column)
        for member in table.columns:
            first = label if member == table.columns[0] else None
            ax.plot(table.index, table[member], color=COLOURS[colour], lw=1.2, label=first)
    kept = np.atleast_1d(result.diagnostics["best_epoch"])
    best = np.atleast_1d(result.diagnostics["best_validation"])
    ax.scatter(kept, best, color=COLOURS["observed"], s=22, zorder=3, label="kept")
    ax.set(xlabel="epoch", ylabel="squared error of a shift", yscale="log")
    ax.legend(frameon=False)
    return finish(ax, show=show, return_fig=return_fig)
