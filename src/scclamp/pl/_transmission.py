"""`pl.transmission`: what encoders let through, in four panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from scclamp._arguments import require_whole
from scclamp.pl._axes import finish, new_axes
from scclamp.pl._text import SMALL, widest
from scclamp.pl._transmission_drawing import draw_captured, draw_components, draw_preserved, draw_regulators
from scclamp.pl._transmission_table import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mudata import MuData

_WIDTH, _TOP, _BETWEEN = 440.0, 130.0, 80.0
_PITCH, _ROW = 9.5, 14.0
_STARTS, _SHARE = (0.0, 0.37, 0.78), 0.22
"""Where the upper panels begin and how wide they are, in shares of the width: the rest is for what their axes say."""


def transmission(
    adata: AnnData | MuData,
    encoders: str | Sequence[str] | None = None,
    *,
    basis: Literal["alpha", "gamma"] | None = None,
    n_perturbations: int = 50,
    mod: str | None = None,
    key: str = "transmission",
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw how much of the regulatory signal encoders let through.

    a, the preserved fraction of each encoder: points are means over draws of control cells, lines the 95 %
    interval for other draws of this screen's perturbations and cells, grey ticks the null: what is preserved of shifts between cells with
    shuffled labels, which are noise. Filled points, of the
    directions of the shifts, are the ones to report: hollow ones, of the components of control cells, may be high for an encoder
    that is blind to every shift (see `tl.transmission`). b, the transmission of each component, mean and, where draws differ, standard deviation over
    them, above the share of the signal that lies along it. c, how much of all signal survives in the first components; that of the identity
    shows where the signal lives. d, for each perturbation how much of its own shift survives: what an encoder is blind to.

    A fraction is not free of the encoder's scale: one that is multiplied by 2 preserves four times as much, of the null too. The column
    `relative` of `tl.transmission` is.

    Parameters
    ----------
    adata
        Data with the result of `tl.transmission`.
    encoders
        Encoders to draw, in this order; all by default.
    basis
        Directions of b, c and d; by default `"gamma"` where it was measured.
    n_perturbations
        Perturbations of d, those with the longest shifts.
    mod
        Modality of a MuData.
    key
        The `key_added` of `tl.transmission`.
    ax
        Axes that become the frame of all panels; by default those of a new figure.
    show
        Whether to show the figure.
    return_fig
        Whether to return the figure.

    Returns
    -------
    The axes around the panels, the figure with `return_fig`, or None when shown.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> found = sc_c.tl.transmission(adata, "pca", basis="gamma", n_cells=8, n_seeds=2, rng=0)
    >>> ax = sc_c.pl.transmission(adata)
    >>> [label.get_text() for label in ax.child_axes[0].get_yticklabels()]
    ['identity', 'pca']
    """
    n_perturbations = require_whole("n_perturbations", n_perturbations)
    found = read(adata, encoders, basis, mod, key)
    table = found.preserved(n_perturbations)
    width, rows = max(_WIDTH, _PITCH * table.shape[1]), _ROW * len(table)
    top = max(_TOP, (22.0 if found.summary["basis"].nunique() > 1 else 12.0) * len(found.encoders))
    height = top + _BETWEEN + rows
    names = widest(list(found.encoders))
    below = widest([str(name) for name in table.columns])
    ax = new_axes(ax, ((width + 2 * names + 36) / 72, (height + below + 28) / 72))
    ax.set_axis_off()
    for letter, start, panel in zip("abc", _STARTS, (draw_preserved, draw_components, draw_captured), strict=True):
        place = ax.inset_axes((start, 1 - top / height, _SHARE, top / height))
        panel(place, found)
        _letter(place, letter)
    place = ax.inset_axes((0, 0, _PITCH * table.shape[1] / width, rows / height))
    scale = ax.inset_axes((1 - _SHARE, (rows + 6) / height, _SHARE, 5 / height))
    draw_regulators(place, scale, found, table)
    _letter(place, "d")
    return finish(ax, show=show, return_fig=return_fig)


def _letter(ax: Axes, letter: str) -> None:
    style: dict[str, Any] = {"fontsize": 9, "fontweight": "bold", "ha": "right"}
    ax.annotate(letter, (0, 1), (-SMALL, 4), xycoords="axes fraction", textcoords="offset points", **style)
