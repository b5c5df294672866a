"""`pl.predictions`: predicted against observed shifts, condition by condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._arguments import require_whole
from scclamp._errors import InputError, list_some
from scclamp._keys import CONTROL, SEPARATOR
from scclamp.pl._axes import COLOURS
from scclamp.pl._seen import correlation, key_of, require_shifts, seen_as, shared_genes, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_PANELS = 12
_LINE = 22
_MANY = 500


def predictions(
    adata: AnnData,
    observed: pd.DataFrame | AnnData,
    *,
    conditions: str | Sequence[str] | None = None,
    n_columns: int = 4,
    show: bool | None = None,
    return_fig: bool = False,
) -> Figure | None:
    """Draw predicted against observed shifts from control, one panel for each condition.

    Parameters
    ----------
    adata
        What `tl.predict_clamps` returned for new conditions.
    observed
        The screen itself; the long table of `get.predictions` with its column `observed`; or observed (or true) mean states,
        conditions x genes. Shifts need the control in it.
    conditions
        Conditions to draw, in this order; by default the first twelve that were observed.
    n_columns
        Panels side by side.
    show
        Whether to show the figure.
    return_fig
        Whether to return the figure even when it is shown.

    Returns
    -------
    The figure, or None when shown without `return_fig`. Each panel names its Pearson correlation over the genes that were not clamped, and that of
    the sum of the observed singles, where these are there. Single genes are marked as *fitted*: a fit has seen their cells, so
    that their correlation is no prediction's. Where doses were given, or names of your own, the cells are those of
    the same genes.

    Examples
    --------
    >>> import pandas as pd
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> doubles = sc_c.tl.predict_clamps(adata, ["REG01+REG05", "REG02+REG06"])
    >>> len(sc_c.pl.predictions(doubles, adata).axes)
    2
    """
    from matplotlib import pyplot as plt

    require_shifts(adata)
    table = table_of(observed, key_of(adata))
    genes = shared_genes(adata, table)
    seen = seen_as(adata, table)
    chosen = _chosen(seen, table, conditions)
    n_columns = require_whole("n_columns", n_columns)
    n_rows, width = -(-len(chosen) // n_columns), min(n_columns, len(chosen))
    fig, axes = plt.subplots(
        n_rows, width, figsize=(2.3 * width + 0.4, 2.6 * n_rows + 0.3), squeeze=False, layout="constrained"
    )
    shifts = table[genes].astype(float) - table.loc[CONTROL, genes].astype(float)
    predicted = adata.to_df("shift")[genes]
    for ax, name in zip(axes.flat, chosen, strict=False):
        held = seen[name].split(SEPARATOR)
        free = ~predicted.columns.isin(held)
        alone = shifts.loc[held].to_numpy().sum(0)[free] if len(held) > 1 and set(held) <= set(shifts.index) else None
        title = name if len(held) > 1 else f"{name} (fitted)"
        _panel(ax, title, shifts.loc[seen[name]].to_numpy()[free], predicted.loc[name].to_numpy(float)[free], alone)
    for ax in axes.flat[len(chosen) :]:
        ax.remove()
    fig.supxlabel("observed shift (log expression)", fontsize=9)
    fig.supylabel("predicted shift", fontsize=9)
    if show:
        plt.show()
    return None if show and not return_fig else fig


def _chosen(seen: dict[str, str], observed: pd.DataFrame, conditions: str | Sequence[str] | None) -> list[str]:
    both = [name for name, held in seen.items() if held in observed.index and held != CONTROL]
    if conditions is None:
        if not both:
            msg = (
                f"observed shares no condition with adata, which has {list_some(seen)}. Pass a screen in which some of them were "
                "measured, or a table whose rows are named alike."
            )
            raise InputError(msg)
        return both[:_MOST_PANELS]
    conditions = [conditions] if isinstance(conditions, str) else list(conditions)
    if not conditions:
        raise InputError("conditions is empty. Name at least one, or leave it out.")
    if unknown := [name for name in conditions if name not in both]:
        msg = f"conditions names {unknown[0]!r}, which is not in both. There are {list_some(both)}."
        raise InputError(msg)
    return conditions


def _wrapped(name: str) -> str:
    """Break a long name between its genes, so that it stays above its own panel."""
    lines = [""]
    for gene in name.split(SEPARATOR):
        if lines[-1] and len(lines[-1]) + len(gene) > _LINE:
            lines.append("")
        lines[-1] += f"{gene}{SEPARATOR}"
    return "\n".join(lines).removesuffix(SEPARATOR)


def _panel(ax: Axes, name: str, observed: np.ndarray, predicted: np.ndarray, additive: np.ndarray | None) -> None:
    low, high = (float(f([observed, predicted])) for f in (np.nanmin, np.nanmax))
    room = 0.06 * max(high - low, 1e-6)
    ax.axline((0, 0), slope=1, color=COLOURS["reference"], lw=0.8, zorder=0)
    # Thousands of points in dozens of panels would make a drawing that no reader opens.
    ax.scatter(observed, predicted, s=6, color=COLOURS["predicted"], lw=0, alpha=0.6, rasterized=len(observed) > _MANY)
    text = f"r = {correlation(predicted, observed)}"
    if additive is not None:
        text += f" (sum of singles {correlation(additive, observed)})"
    ax.set_title(f"{_wrapped(name)}\n{text}", fontsize=8)
    ax.set(xlim=(low - room, high + room), ylim=(low - room, high + room), aspect="equal")
    ax.tick_params(labelsize=7)
    ax.locator_params(nbins=5)
