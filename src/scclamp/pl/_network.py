"""`pl.network`: regulators and their strongest targets as a diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scclamp._arguments import require_whole
from scclamp._columns import unwrap
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.get import top_targets
from scclamp.pl._axes import finish, new_axes
from scclamp.pl._network_drawing import draw, extent
from scclamp.pl._network_graph import as_effects, choose, read_reference
from scclamp.pl._network_layout import arrange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mudata import MuData

    from scclamp.pl._network_graph import Reference


def network(
    adata: AnnData | MuData,
    regulators: str | Sequence[str] | None = None,
    *,
    n_targets: int = 15,
    n_edges: int = 120,
    reference: Reference | None = None,
    by: Literal["weight", "confidence"] = "weight",
    effect: Literal["gain", "loss"] | None = None,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Axes | Figure | None:
    """Draw regulators and their strongest targets as nodes, and signed weights as edges.

    Activation is orange, solid and ends in an arrow head; repression is blue, dashed and ends in a bar. Of an ensemble the width
    of an edge is its confidence, the absolute weight over its spread in the members, which means something where members
    saw resampled cells; otherwise it is the absolute weight. What is left out is said below the diagram.

    A regulator that the panel does not measure has a hollow box: its edges are responses to its perturbation, so that a
    knock-out that raises a target counts as activating it, and their width says nothing beside those of others. With `effect`
    all edges are what the product does, in one unit.

    Up to four regulators stand in a column between their targets, more of them on a ring within that of their targets. The
    arrangement is computed, not drawn by chance: the same network always gives the same diagram.

    Parameters
    ----------
    adata
        Data with a fit.
    regulators
        Regulators to draw, at most 24 of them; by default the twelve with the strongest edges.
    n_targets
        Targets of each regulator, the strongest.
    n_edges
        Edges drawn at most, the strongest of those.
    reference
        A network of known edges: a table with the columns `source` and `target`, what :func:`scclamp.datasets.beeline`
        returned, or the name of a network of :func:`scclamp.datasets.gene_sets` (``"trrust"``, ``"collectri"``). Targets with
        a known edge among those drawn are filled, the others hollow.
    by
        `"weight"` or `"confidence"`: which targets of a regulator are its strongest, as in
        :func:`scclamp.get.top_targets`.
    effect
        What the perturbations did to the gene product, `"gain"` or `"loss"`: draws what products do to their targets, measured
        or not, instead of weights. As in :func:`scclamp.get.adjacency`.
    mod
        Modality of a MuData.
    key
        Prefix under which the fit was stored.
    ax
        Axes to draw on; by default those of a new figure, which is as large as its labels need.
    show
        Whether to show the figure.
    return_fig
        Whether to return the figure.

    Returns
    -------
    The axes, the figure with `return_fig`, or None when shown. Coordinates are points of 1/72 inch.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> ax = sc_c.pl.network(adata, ["REG01", "REG02"], n_targets=5)
    >>> {"REG01", "REG02"} <= {text.get_text() for text in ax.texts}
    True
    """
    n_targets, n_edges = require_whole("n_targets", n_targets), require_whole("n_edges", n_edges)
    result = decode(unwrap(adata, mod).adata, key)
    label, known = (None, None) if reference is None else read_reference(reference, result.genes)
    edges = top_targets(adata, regulators, n=n_targets, by=by, effect=effect, mod=mod, key=key)
    if effect is not None:
        edges = as_effects(edges)
    graph = choose(edges, regulators, n_edges, known)
    layout = arrange(graph)
    width, height = extent(layout)
    ax = new_axes(ax, ((width + 8) / 72, (height + (24 if graph.note else 8)) / 72))
    latent = {name for name, row in zip(result.regulators, result.regulator_rows, strict=True) if row < 0}
    draw(ax, graph, layout, latent=latent, reference=label)
    return finish(ax, show=show, return_fig=return_fig)
