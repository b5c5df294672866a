"""Two rankings of the same pairs against each other, neither of them the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._errors import InputError
from scclamp.metrics._rankings import as_series
from scclamp.metrics._ranks import spearman, top_share
from scclamp.metrics._sign_accuracy import check_top

if TYPE_CHECKING:
    import pandas as pd


def network_agreement(edges: pd.DataFrame, other: pd.DataFrame, *, top_k: int | None = None) -> dict[str, float]:
    """Compare two rankings of edges, such as those of `tl.probe_grn` with the network of `tl.fit`.

    Judged are the pairs that both rank. Which of the two is right is for :func:`network_recovery` and a known network to say.

    Parameters
    ----------
    edges, other
        Columns `source`, `target`, `score` (larger means more likely) and, for the signs, `sign`; or the table of `get.adjacency`.
    top_k
        Size of the top of each; a tenth of the pairs by default.

    Returns
    -------
    Dictionary with ``spearman`` of the scores over all pairs, ``spearman_within`` (mean over the sources, which a source's own scale
    does not move), ``top_shared`` (share of the top of one that is in the top of the other) and ``top_chance`` (what it would be
    between unrelated rankings), ``sign_agreement`` over the pairs with a sign in both and ``sign_agreement_top`` over those that
    are in both tops, ``n_pairs``, ``n_sources`` and ``top_k``. NaN where there is nothing to compare.

    Examples
    --------
    >>> import pandas as pd
    >>> import scclamp as sc_c
    >>> pairs = {"source": ["A", "A", "B", "B"], "target": ["B", "C", "A", "C"]}
    >>> one = pd.DataFrame({**pairs, "score": [4.0, 3.0, 2.0, 1.0], "sign": [1, -1, 1, 1]})
    >>> two = pd.DataFrame({"regulator": pairs["source"], "target": pairs["target"], "weight": [4.0, 2.0, -3.0, 0.0]})
    >>> found = sc_c.metrics.network_agreement(one, two, top_k=2)
    >>> found["spearman"], found["top_shared"], found["top_chance"], found["sign_agreement_top"]
    (0.8, 0.5, 0.5, 1.0)
    """
    scores = [as_series(name, table, "score") for name, table in (("edges", edges), ("other", other))]
    shared = scores[0].index.intersection(scores[1].index)
    if not len(shared):
        raise InputError("edges and other rank no pair in common. Check that genes are named alike.")
    x, y = (np.asarray(each.loc[shared], np.float64) for each in scores)
    k = check_top(max(1, len(shared) // 10) if top_k is None else top_k, len(shared))
    top = top_share(x, k) * top_share(y, k)
    source = shared.get_level_values(0)
    within = [spearman(x[source == name], y[source == name]) for name in source.unique()]
    defined = [r for r in within if np.isfinite(r)]
    return {
        "spearman": spearman(x, y),
        "spearman_within": float(np.mean(defined)) if defined else float("nan"),
        "top_shared": float(top.sum() / k),
        "top_chance": k / len(shared),
        **_signs(edges, other, shared, top),
        "n_pairs": float(len(shared)),
        "n_sources": float(source.nunique()),
        "top_k": float(k),
    }


def _signs(edges: pd.DataFrame, other: pd.DataFrame, shared: pd.Index, top: np.ndarray) -> dict[str, float]:
    """Share of equal signs, of all pairs and of those in both tops; a table without signs has none."""
    found = {"sign_agreement": float("nan"), "sign_agreement_top": float("nan")}
    if not all({"sign", "weight"} & set(table) for table in (edges, other)):
        return found
    s, t = (np.sign(as_series(name, table, "sign").loc[shared]) for name, table in (("edges", edges), ("other", other)))
    signed, equal = np.asarray((s != 0) & (t != 0)), np.asarray(s == t)
    for name, weight in zip(found, (signed.astype(float), signed * top), strict=True):
        if weight.sum() > 0:
            found[name] = float(equal @ weight / weight.sum())
    return found
