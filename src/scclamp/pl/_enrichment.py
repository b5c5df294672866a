"""`pl.enrichment`: which sets of genes the targets of regulators meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scclamp._arguments import require_choice, require_whole
from scclamp._keys import DEFAULT_KEY
from scclamp.pl._axes import finish, new_axes
from scclamp.pl._enrichment_drawing import draw
from scclamp.pl._enrichment_frame import Frame
from scclamp.pl._enrichment_table import expected_cells, read_table, select

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mudata import MuData

_VALUES = ("p_adjusted", "fold")


def enrichment(
    adata: AnnData | MuData | pd.DataFrame,
    regulators: str | Sequence[str] | None = None,
    *,
    libraries: str | Sequence[str] | None = None,
    n_terms: int = 8,
    values: Literal["p_adjusted", "fold"] = "p_adjusted",
    expected: Mapping[str, str | Collection[str]] | None = None,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    enrichment: str | None = None,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw the sets of genes that the targets of regulators meet: a heatmap for each library, and the best sets as bars.

    P values are those of `tl.enrich`: adjusted for the sets of a library, for each regulator by itself, and not for the number
    of regulators. Of 100 regulators, five are expected to have a dot by chance in every library.

    Parameters
    ----------
    adata
        Data with the result of `tl.enrich`, or that table.
    regulators
        Regulators to draw, in this order; by default the thirty with the smallest p values, ordered by their best sets.
    libraries
        Libraries to draw, in this order; all by default.
    n_terms
        Sets of each library, those with the smallest p value of any of the regulators. Of a network there is one row: the
        known targets of each regulator.
    values
        What colours show: minus the decimal logarithm of the adjusted p, full at 15; or `"fold"`, the overlap over what is
        expected by chance.
    expected
        Sets that each regulator should meet, which are boxed.
    mod
        Modality of a MuData.
    key
        Prefix under which the fit was stored.
    enrichment
        The `key_added` of `tl.enrich`; by default `f"{key}_enrichment"`.
    ax
        Axes that become the frame of all panels; by default those of a new figure, which is as large as its names need.
    show
        Whether to show the figure.
    return_fig
        Whether to return the figure.

    Returns
    -------
    The axes around the panels, the figure with `return_fig`, or None when shown. A dot marks an adjusted p below 0.05, and
    grey what was not tested. Along the bars stand the sets, and how many of their measured genes are among the targets.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> truth = adata.varm["true_A"]
    >>> sets = {f"module {j}": list(adata.var_names[truth[:, j] != 0]) for j in range(3)}
    >>> sc_c.tl.enrich(adata, sets, n_top=10, min_size=3)
    >>> ax = sc_c.pl.enrichment(adata, ["REG01", "REG02"])
    >>> [label.get_text() for label in ax.child_axes[0].get_xticklabels()]
    ['REG01', 'REG02']
    """
    n_terms = require_whole("n_terms", n_terms)
    require_choice("values", values, _VALUES)
    hits = select(read_table(adata, mod, key, enrichment), regulators, libraries, n_terms)
    boxes = expected_cells(expected or {}, hits)
    frame = Frame(hits)
    ax = new_axes(ax, frame.inches)
    draw(ax, hits, frame, values, boxes)
    return finish(ax, show=show, return_fig=return_fig)
