"""Tables of ranked edges, each pair once."""

from __future__ import annotations

import pandas as pd

from scclamp._edge_tables import PAIR, as_edges
from scclamp._errors import InputError
from scclamp.metrics._candidates import as_finite


def require_single(name: str, edges: pd.DataFrame) -> None:
    """Refuse a ranking that holds a pair twice."""
    twice = edges.duplicated(PAIR)
    if twice.any():
        pair = tuple(edges.loc[twice.to_numpy(), PAIR].iloc[0])
        raise InputError(f"{name} rank the pair {pair} twice. Keep one row for each pair.")


def as_series(name: str, table: pd.DataFrame, column: str) -> pd.Series:
    """One column of finite numbers by pair, a gene's pair with itself left out."""
    edges = as_edges(name, table, [*PAIR, column]).astype(dict.fromkeys(PAIR, str))
    edges = edges[edges["source"] != edges["target"]]
    require_single(name, edges)
    return pd.Series(as_finite(edges[column], f"{name}[{column!r}]"), pd.MultiIndex.from_frame(edges[PAIR]))
