"""`pl.predictions`: predicted against observed shifts, condition by condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._errors import InputError, list_some
from scclamp._keys import CONTROL
from scclamp._labels import is_control_token
from scclamp.conditions import Conditions
from scclamp.pl._axes import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_PANELS = 12


def predictions(
    adata: AnnData,
    observed: pd.DataFrame | AnnData,
    *,
    conditions: Sequence[str] | None = None,
    n_columns: int = 4,
    show: bool | None = None,
) -> Figure | None:
    """Draw predicted against observed shifts from control, one panel for each condition.

    Parameters
    ----------
    adata
        What `tl.predict_clamps` returned for new conditions.
    observed
        The screen itself, or observed (or true) mean states, conditions x genes, with a row for the control.
    conditions
        Conditions to draw, in this order; by default the first twelve that are in both.
    n_columns
        Panels side by side.
    show
        Whether to show the figure.

    Returns
    -------
    The figure, or None when shown. Each panel names its Pearson correlation over the genes that were not clamped.

    Examples
    --------
    >>> import pandas as pd
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> doubles = sc_c.tl.predict_clamps(adata, ["REG01+REG02", "REG03+REG04"])
    >>> len(sc_c.pl.predictions(doubles, adata).axes)
    2
    """
    from matplotlib import pyplot as plt

    if "shift" not in adata.layers:
        msg = "adata has no layer 'shift'. Pass what tl.predict_clamps returned, with 'shift' among its layers."
        raise InputError(msg)
    observed = _as_table(observed)
    if CONTROL not in observed.index:
        msg = f"observed has no row {CONTROL!r}, from which shifts are measured. Add the control's mean state."
        raise InputError(msg)
    chosen = _chosen(adata, observed, conditions)
    n_rows, width = -(-len(chosen) // n_columns), min(n_columns, len(chosen))
    fig, axes = plt.subplots(
        n_rows, width, figsize=(2.3 * width + 0.4, 2.6 * n_rows + 0.3), squeeze=False, layout="constrained"
    )
    predicted = adata.to_df("shift").loc[chosen]
    seen = observed[list(adata.var_names)]
    shifts = seen.loc[chosen] - seen.loc[CONTROL]
    for ax, name in zip(axes.flat, chosen, strict=False):
        free = ~predicted.columns.isin(name.split("+"))
        _panel(ax, name, shifts.loc[name].to_numpy()[free], predicted.loc[name].to_numpy()[free])
    for ax in axes.flat[len(chosen) :]:
        ax.remove()
    fig.supxlabel("observed shift from control", fontsize=9)
    fig.supylabel("predicted shift", fontsize=9)
    if show:
        plt.show()
        return None
    return fig


def _as_table(observed: Any) -> pd.DataFrame:
    """Means by canonical name of the condition."""
    if not isinstance(observed, pd.DataFrame):
        conditions = Conditions.from_anndata(observed, train_fraction=1.0, unmeasured="latent", rng=0)
        return pd.DataFrame(conditions.train_mean, index=list(conditions.names), columns=list(conditions.genes))
    if CONTROL in observed.index:
        return observed
    return observed.rename(index=lambda name: CONTROL if is_control_token(str(name)) else name)


def _chosen(adata: AnnData, observed: pd.DataFrame, conditions: Sequence[str] | None) -> list[str]:
    both = [name for name in adata.obs_names if name in observed.index and name != CONTROL]
    if conditions is None:
        if not both:
            msg = (
                f"observed shares no condition with adata, which has {list_some(adata.obs_names)}. Name its rows alike."
            )
            raise InputError(msg)
        return both[:_MOST_PANELS]
    if unknown := [name for name in conditions if name not in both]:
        msg = f"conditions names {unknown[0]!r}, which is not in both. There are {list_some(both)}."
        raise InputError(msg)
    return list(conditions)


def _panel(ax: Axes, name: str, observed: np.ndarray, predicted: np.ndarray) -> None:
    limit = float(np.nanmax(np.abs([observed, predicted]))) * 1.08
    ax.axline((0, 0), slope=1, color=COLOURS["reference"], lw=0.8, zorder=0)
    ax.scatter(observed, predicted, s=6, color=COLOURS["predicted"], lw=0, alpha=0.6)
    ax.set_title(f"{name}   r = {np.corrcoef(observed, predicted)[0, 1]:.2f}", fontsize=8)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.tick_params(labelsize=7)
