"""Which pairs without an edge stand against the edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from scclamp._arguments import read_rng, require_choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scclamp.probes._pair_features import PairFeatures

Negatives = Literal["all", "balanced", "matched"]


def sample_negatives(
    pairs: PairFeatures, how: Negatives = "all", *, rng: int | np.random.Generator | None = None
) -> PairFeatures:
    """Choose the pairs that count as no edge.

    Parameters
    ----------
    pairs
        Pairs with labels.
    how
        `"all"`, as in BEELINE; `"balanced"`, as many as there are edges, drawn at random, so that chance has an AUPRC of 0.5; `"matched"`,
        as many for each source as it has edges, so that a source's number of edges tells nothing. Where other pairs are
        the rarer kind, edges are drawn too.
    rng
        Seed or generator.

    Returns
    -------
    Those pairs, in their order.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from scclamp.probes import PairFeatures
    >>> pairs = PairFeatures.of(["A", "B"], ["A", "B", "C", "D"], {"one": np.zeros((2, 4))})
    >>> pairs = pairs.labelled(pd.DataFrame({"source": ["A", "A", "B"], "target": ["C", "D", "A"]}))
    >>> [int(sample_negatives(pairs, how, rng=0).labels.sum()) for how in ("all", "balanced", "matched")]
    [3, 3, 2]
    """
    require_choice("negatives", how, ("all", "balanced", "matched"))
    labels = pairs.known
    if how == "all":
        return pairs
    group = np.zeros(len(labels), int) if how == "balanced" else pd.factorize(pairs.sources)[0]
    return pairs.take(_even(labels, group, read_rng(rng)))


def _even(labels: NDArray[np.bool_], group: NDArray, rng: np.random.Generator) -> NDArray[np.bool_]:
    """As many of each kind in each group as there are of the rarer one."""
    cell = 2 * group + labels
    counts = np.bincount(cell, minlength=2 * (group.max() + 1)).reshape(-1, 2)
    order = np.lexsort((rng.random(len(labels)), cell))
    rank = np.empty(len(labels), int)
    rank[order] = np.arange(len(labels)) - (np.cumsum(counts) - counts.ravel())[cell[order]]
    return rank < counts.min(1)[group]
