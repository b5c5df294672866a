"""`pl.adjacency`: the signed weights of a network as a heatmap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from scclamp._arguments import positions, require_whole
from scclamp._columns import unwrap
from scclamp._errors import InputError
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.get._effects import product_effects
from scclamp.pl._adjacency_modules import describe_modules, draw_modules, leaves_in_order, modules, regulator_tree
from scclamp.pl._axes import DIVERGING, finish, new_axes
from scclamp.pl._text import SMALL, widest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mudata import MuData

_MOST_LABELS = 60
_PITCH = 9.5
"""Points from one name to the next."""
_UNNAMED = 430.0
"""Points that all rows or columns take where they are too many to be named."""


def adjacency(
    adata: AnnData | MuData,
    regulators: str | Sequence[str] | None = None,
    *,
    targets: str | Sequence[str] | None = None,
    n_targets: int = 40,
    cluster: bool = True,
    n_modules: int | None = None,
    effect: Literal["gain", "loss"] | None = None,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw the weights of regulators (columns) on their targets (rows), and modules of regulators that act alike.

    Regulators are clustered by the cosine of their weights on all genes, whatever is drawn, by average linkage. A numbered bar
    above the columns shows modules of at least two regulators whose cosines are above 0.5 on average; a regulator without a
    number acts like no other. Weights of regulators that the panel does not measure are responses to their perturbation, which
    cannot be compared with those of others; with `effect` all are.

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
        Whether rows and columns are ordered so that similar ones are neighbours, with modules of columns.
    n_modules
        Number of modules into which the tree of the regulators is cut instead, single regulators among them; 1 draws none.
    effect
        What the perturbations did to the gene product, `"gain"` or `"loss"`: draws what products do to their targets, measured
        or not, instead of weights. As in :func:`scclamp.get.adjacency`.
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
    n_modules = _checked(n_modules, cluster, len(columns))
    weights = result.A.astype(np.float64).copy()
    if effect is not None:
        weights = product_effects(result, effect, np.arange(len(result.regulators)))
    own = result.regulator_rows >= 0
    weights[result.regulator_rows[own], np.flatnonzero(own)] = np.nan
    weights = weights[:, columns]
    strength = np.nan_to_num(np.abs(weights)).max(1)
    default = np.sort(np.argsort(-strength, kind="stable")[:n_targets])
    rows = default if targets is None else positions("targets", targets, result.genes)
    tree = regulator_tree(weights) if cluster and len(columns) > 1 else None
    across = np.arange(len(columns)) if tree is None else leaves_in_order(tree)
    weights = weights[rows]
    down = _order(weights) if cluster else np.arange(len(rows))
    above, left = ([result.regulators[columns[i]] for i in across], [result.genes[rows[i]] for i in down])
    ax = new_axes(ax, _size(above, left))
    _draw(ax, weights[down][:, across], "weight" if effect is None else "effect")
    _name(ax, above, left)
    if tree is not None and n_modules != 1:
        labels = modules(tree, n_modules)[across]
        draw_modules(ax, labels)
        if len(above) > _MOST_LABELS:
            ax.set_xlabel(f"{ax.get_xlabel()}\n{describe_modules(labels, above, _UNNAMED)}", fontsize=SMALL)
    return finish(ax, show=show, return_fig=return_fig)


def _checked(n_modules: int | None, cluster: bool, n_regulators: int) -> int | None:
    if n_modules is None:
        return None
    if not cluster:
        raise InputError(f"n_modules={n_modules!r} needs cluster=True. Leave one of them out.")
    if require_whole("n_modules", n_modules) > n_regulators:
        raise InputError(f"n_modules={n_modules} must be at most the number of regulators drawn, {n_regulators}.")
    return n_modules


def _size(columns: list[str], rows: list[str]) -> tuple[float, float]:
    """Width and height of a figure in inches, with room for names where they are written."""
    width, height = (_PITCH * len(n) if len(n) <= _MOST_LABELS else _UNNAMED for n in (columns, rows))
    left, below = (widest(n) if len(n) <= _MOST_LABELS else 0.0 for n in (rows, columns))
    return (max(width, 40) + left + 116) / 72, (max(height, 90) + below + 45) / 72


def _order(table: np.ndarray) -> np.ndarray:
    """Order rows by average linkage of their directions."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering

    if len(table) < 3:
        return np.arange(len(table))
    filled = np.nan_to_num(table)
    unit = filled / np.maximum(np.linalg.norm(filled, axis=1, keepdims=True), 1e-12)
    tree = linkage(unit, "average")
    return leaves_list(optimal_leaf_ordering(tree, unit) if len(table) <= 200 else tree)


def _draw(ax: Axes, weights: np.ndarray, what: str) -> None:
    from matplotlib import colormaps

    # Beyond the 99th percentile colours are full: one strong edge would wash out all others.
    limit = float(np.nanquantile(np.abs(weights), 0.99)) or 1.0
    colours = colormaps[DIVERGING].with_extremes(bad="0.75")
    image = ax.imshow(weights, cmap=colours, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.6, extend="both", aspect=15, pad=0.02)
    own = "\n(grey: on itself)" if np.isnan(weights).any() else ""
    bar.set_label(f"{what} on the target{own}", fontsize=8)
    bar.ax.tick_params(labelsize=SMALL)
    ax.set_xlabel("regulator", fontsize=9)
    ax.set_ylabel("target", fontsize=9)


def _name(ax: Axes, columns: list[str], rows: list[str]) -> None:
    """Write names where there is room for them."""
    for axis, names, rotation in ((ax.xaxis, columns, 90), (ax.yaxis, rows, 0)):
        shown = names if len(names) <= _MOST_LABELS else []
        axis.set_ticks(range(len(shown)), labels=shown, rotation=rotation, fontsize=SMALL)
        axis.set_tick_params(length=2, pad=2)
        if not shown:
            axis.set_label_text(f"{axis.get_label_text()}s, {len(names)} of them")
