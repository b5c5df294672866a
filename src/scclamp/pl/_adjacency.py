"""`pl.adjacency`: the signed weights of a network as a heatmap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._arguments import positions
from scclamp._columns import unwrap
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.pl._axes import DIVERGING, finish, new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mudata import MuData

_MOST_LABELS = 60


def adjacency(
    adata: AnnData | MuData,
    regulators: str | Sequence[str] | None = None,
    *,
    targets: str | Sequence[str] | None = None,
    n_targets: int = 40,
    cluster: bool = True,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw the weights of regulators (columns) on their targets (rows).

    Parameters
    ----------
    adata
        Data with a fit.
    regulators
        Regulators to draw; all by default.
    targets
        Genes to draw; by default those with the largest weight from any of the regulators.
    n_targets
        Number of genes drawn when `targets` is not given.
    cluster
        Whether rows and columns are ordered so that similar ones are neighbours.
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
    The axes, the figure with `return_fig`, or None when shown. Red activates, blue represses; a regulator's weight on
    itself is grey, since its own perturbation does not inform it.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> sc_c.pl.adjacency(adata, n_targets=10).get_xlabel()
    'regulator'
    """
    result = decode(unwrap(adata, mod).adata, key)
    columns = positions("regulators", regulators, result.regulators)
    weights = result.A.astype(np.float64).copy()
    own = result.regulator_rows >= 0
    weights[result.regulator_rows[own], np.flatnonzero(own)] = np.nan
    weights = weights[:, columns]
    strength = np.nan_to_num(np.abs(weights)).max(1)
    default = np.sort(np.argsort(-strength, kind="stable")[:n_targets])
    rows = default if targets is None else positions("targets", targets, result.genes)
    weights = weights[rows]
    across, down = (_order(weights.T), _order(weights)) if cluster else map(np.arange, weights.shape[::-1])
    ax = new_axes(ax, (1.5 + 0.16 * min(len(columns), 80), 1.2 + 0.14 * min(len(rows), 80)))
    _draw(ax, weights[down][:, across])
    _name(ax, [result.regulators[columns[i]] for i in across], [result.genes[rows[i]] for i in down])
    return finish(ax, show=show, return_fig=return_fig)


def _order(table: np.ndarray) -> np.ndarray:
    """Order rows by average linkage of their directions."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering

    if len(table) < 3:
        return np.arange(len(table))
    filled = np.nan_to_num(table)
    unit = filled / np.maximum(np.linalg.norm(filled, axis=1, keepdims=True), 1e-12)
    tree = linkage(unit, "average")
    return leaves_list(optimal_leaf_ordering(tree, unit) if len(table) <= 200 else tree)


def _draw(ax: Axes, weights: np.ndarray) -> None:
    from matplotlib import colormaps

    # Beyond the 99th percentile colours are full: one strong edge would wash out all others.
    limit = float(np.nanquantile(np.abs(weights), 0.99)) or 1.0
    colours = colormaps[DIVERGING].with_extremes(bad="0.75")
    image = ax.imshow(weights, cmap=colours, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label="weight A", shrink=0.6, extend="both")
    ax.set(xlabel="regulator", ylabel="target")


def _name(ax: Axes, columns: list[str], rows: list[str]) -> None:
    """Write names where there is room for them."""
    for axis, names, rotation in ((ax.xaxis, columns, 90), (ax.yaxis, rows, 0)):
        shown = len(names) <= _MOST_LABELS
        axis.set_ticks(range(len(names)) if shown else [], labels=names if shown else [], rotation=rotation, fontsize=7)
