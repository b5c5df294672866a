"""Ranked edges against a known network, beside what chance and popularity alone would reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._edge_tables import PAIR, as_edges
from scclamp._errors import InputError, list_some
from scclamp.metrics._auprc import auprc
from scclamp.metrics._auroc import auroc
from scclamp.metrics._candidates import as_finite
from scclamp.metrics._rankings import require_single
from scclamp.metrics._ranks import top_share

if TYPE_CHECKING:
    from collections.abc import Sequence


def network_recovery(
    edges: pd.DataFrame,
    network: pd.DataFrame,
    *,
    factors: Sequence[str] | None = None,
    degrees: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Judge a ranking of edges by a known network, in the way of BEELINE.

    Judged are all pairs of the ranking from a factor to another gene of the network; what the network does not list is
    counted as false.

    Parameters
    ----------
    edges
        Ranking with the columns `source`, `target` and `score` (larger means more likely), such as `tl.probe_grn` returns, or
        that of `get.adjacency`, which is ranked by the size of the weights.
    network
        Known edges with the columns `source` and `target`, such as :func:`scclamp.datasets.beeline` and
        :func:`scclamp.datasets.gene_sets` read, or `regulator` and `target`: the strongest rows of `get.adjacency`.
    factors
        Genes that may be sources; by default the sources of the network.
    degrees
        Network whose degrees the null `degree` knows, such as the one that a translator was trained on. By default it is the
        network itself, and the row is called `degree (oracle)`: it has read the answers, and no ranking need beat it. It says how much
        of a score popularity alone can explain.

    Returns
    -------
    Three rows, told apart by the column `by`: the `ranking`; the null `degree`, or `degree (oracle)` without `degrees=` (number of
    targets of the source times number of sources of the target); and `chance` (every score alike). The other columns are `auprc`,
    `auroc`, `precision_top` (precision among as many pairs as there are true ones), `epr` (that divided by what chance has), `n_edges`
    and `n_pairs`.

    Examples
    --------
    >>> import pandas as pd
    >>> import scclamp as sc_c
    >>> network = pd.DataFrame({"source": ["A", "A"], "target": ["B", "C"]})
    >>> edges = pd.DataFrame({"source": ["A", "A", "A"], "target": ["B", "C", "A"], "score": [0.9, 0.1, 0.5]})
    >>> edges = pd.concat([edges, pd.DataFrame({"source": ["B"], "target": ["C"], "score": [0.4]})])
    >>> found = sc_c.metrics.network_recovery(edges, network, factors=["A", "B"]).set_index("by")
    >>> found["auprc"].round(3).to_dict()
    {'ranking': 0.833, 'degree (oracle)': 1.0, 'chance': 0.667}
    """
    edges = as_edges("edges", edges, [*PAIR, "score"])
    known = _pairs(as_edges("network", network))
    judged = _candidates(edges, known, factors)
    true = pd.MultiIndex.from_frame(judged[PAIR]).isin(known)
    if true.all() or not true.any():
        raise InputError(
            f"network holds {int(true.sum())} of the {len(true)} pairs of edges that can be judged; both kinds are needed. "
            "Check that genes are named alike, and rank more pairs."
        )
    degree = _degree(judged, known if degrees is None else _pairs(as_edges("degrees", degrees)))
    rows = {"ranking": as_finite(judged["score"], "edges['score']")}
    rows |= {"degree (oracle)" if degrees is None else "degree": degree, "chance": np.zeros(len(true))}
    return pd.DataFrame([{"by": name, **judge_ranking(score, true)} for name, score in rows.items()])


def judge_ranking(score: np.ndarray, true: np.ndarray) -> dict[str, float | int]:
    """AUPRC, AUROC and early precision of scored pairs."""
    n, chance = int(true.sum()), float(true.mean())
    precision = float(top_share(score, n) @ true / n)
    found = {"auprc": auprc(score, true), "auroc": auroc(score, true), "precision_top": precision}
    return {**found, "epr": precision / chance, "n_edges": n, "n_pairs": len(true)}


def _candidates(edges: pd.DataFrame, known: pd.MultiIndex, factors: Sequence[str] | None) -> pd.DataFrame:
    """Pairs of two different genes of the network, the first of them a factor."""
    sources = set(known.get_level_values(0))
    genes = sources | set(known.get_level_values(1))
    allowed = sources if factors is None else genes & set(factors)
    source, target = edges["source"].astype(str), edges["target"].astype(str)
    judged = edges[source.isin(allowed) & target.isin(genes) & (source != target)].astype(dict.fromkeys(PAIR, str))
    if judged.empty:
        raise InputError(
            f"edges have no pair of a factor and a gene of the network. Sources are {list_some(source.unique())}, those of "
            f"the network {list_some(sorted(sources))}. Check the spelling: BEELINE has mouse genes in capitals."
        )
    require_single("edges", judged)
    return judged


def _degree(judged: pd.DataFrame, known: pd.MultiIndex) -> np.ndarray:
    outgoing, incoming = (pd.Series(known.get_level_values(level)).value_counts() for level in (0, 1))
    out, into = judged["source"].map(outgoing).fillna(0), judged["target"].map(incoming).fillna(0)
    return np.asarray(out * into, np.float64)


def _pairs(network: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(network[PAIR].astype(str).drop_duplicates())
