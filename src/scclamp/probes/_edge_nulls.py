"""What edges of a training network tell of other pairs by the names of their genes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scclamp.probes._pair_features import PairFeatures

    Floats = NDArray[np.float64]


def edge_nulls(train: Sequence[PairFeatures], test: PairFeatures) -> dict[str, Floats]:
    """Score pairs by what a training network says of their genes, without any model: leaked labels, and nothing else.

    Degrees are those of the *training* network, so no null is an oracle, as the one of :func:`scclamp.metrics.network_recovery` is by default.
    A gene that was not met in its role gets the mean of those that were, and a pair of two such genes the share of edges in
    training, so that on gene-disjoint splits every null is chance.

    Parameters
    ----------
    train
        Pairs with labels.
    test
        Pairs to score; their labels are not read.

    Returns
    -------
    Scores (n,) of `"source degree"` and `"target degree"` (number of edges), `"degree"` (their product), `"gene identity"`
    (share of edges of the source plus that of the target, which is how far a translator gets that knows genes by name) and
    `"same pair"` (the label of the pair itself where it was met).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from scclamp.probes import PairFeatures
    >>> grid = PairFeatures.of(["A", "B"], ["C", "D"], {"one": np.zeros((2, 2))})
    >>> train = grid.labelled(pd.DataFrame({"source": ["A", "A", "B"], "target": ["C", "D", "C"]}))
    >>> found = edge_nulls([train], grid)
    >>> found["source degree"], found["target degree"], found["same pair"]
    (array([2., 2., 1., 1.]), array([2., 1., 2., 1.]), array([1., 1., 1., 0.]))
    """
    source, target = (np.concatenate([getattr(part, side) for part in train]) for side in ("sources", "targets"))
    met = pd.DataFrame({"source": source, "target": target, "edge": np.concatenate([part.known for part in train])})
    by = {side: met.groupby(side)["edge"].agg(["sum", "mean"]) for side in ("source", "target")}
    asked = {"source": test.sources, "target": test.targets}
    chance = float(met["edge"].mean())

    def of(side: str, what: str, otherwise: float) -> Floats:
        return by[side][what].reindex(asked[side]).fillna(otherwise).to_numpy(np.float64)

    degree = {side: of(side, "sum", float(table["sum"].mean())) for side, table in by.items()}
    pair = met.groupby(["source", "target"])["edge"].mean()
    same = pair.reindex(pd.MultiIndex.from_arrays(list(asked.values()))).fillna(chance)
    return {
        "source degree": degree["source"],
        "target degree": degree["target"],
        "degree": degree["source"] * degree["target"],
        "gene identity": of("source", "mean", chance) + of("target", "mean", chance),
        "same pair": same.to_numpy(np.float64),
    }
