"""Which edges of a network are drawn: a few that can be read, and a word on those that are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._errors import InputError, list_some
from scclamp.datasets import ReferenceNetwork, gene_sets

if TYPE_CHECKING:
    from collections.abc import Sequence

    Reference = str | pd.DataFrame | ReferenceNetwork

MOST_CHOSEN = 12
"""Regulators that are drawn where nobody names any."""
MOST_HUBS = 24
"""Regulators that a ring has room for."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Edges to draw, by the positions of their ends.

    Parameters
    ----------
    hubs
        Regulators.
    leaves
        Targets that are no drawn regulators.
    edges
        Rows of `get.adjacency`, the strongest first, with `known` where there is a reference.
    source
        Position of each edge's regulator among the hubs.
    target
        Position of its target among the hubs, followed by the leaves.
    note
        What was left out.
    """

    hubs: tuple[str, ...]
    leaves: tuple[str, ...]
    edges: pd.DataFrame
    source: np.ndarray
    target: np.ndarray
    note: str

    @property
    def to_leaf(self) -> np.ndarray:
        """Whether an edge ends at a leaf, not at another hub."""
        return self.target >= len(self.hubs)

    @property
    def weights(self) -> np.ndarray:
        """Signed weights (hubs, leaves), 0 without an edge."""
        found = np.zeros((len(self.hubs), len(self.leaves)))
        at = self.to_leaf
        found[self.source[at], self.target[at] - len(self.hubs)] = self.edges["weight"].to_numpy()[at]
        return found

    @property
    def known_leaves(self) -> np.ndarray:
        """Whether any drawn edge to a leaf is in the reference."""
        found = np.zeros(len(self.hubs) + len(self.leaves), bool)
        np.logical_or.at(found, self.target, self.edges["known"].to_numpy(bool))
        return found[len(self.hubs) :]


def as_effects(edges: pd.DataFrame) -> pd.DataFrame:
    """Put effects in place of weights, and spreads in their unit, so that edges are as sure as they were."""
    scale = (edges["effect"] / edges["weight"].where(edges["weight"] != 0, np.nan)).abs()
    spread = {"sd": edges["sd"] * scale} if "sd" in edges else {}
    return edges.assign(weight=edges["effect"], **spread)


def choose(edges: pd.DataFrame, regulators: Sequence[str] | None, n_edges: int, known: pd.MultiIndex | None) -> Graph:
    """Take the strongest edges of a table of `get.top_targets`, and only as many regulators as can be told apart."""
    edges = edges[edges["weight"] != 0]
    edges = edges.iloc[np.argsort(-edges["weight"].abs().to_numpy(), kind="stable")]
    there = pd.unique(edges["regulator"])
    if not len(there):
        raise InputError(
            "adata: no regulator has an edge, all weights are zero. Fit with less sparsity, or for longer."
        )
    hubs = list(there[: MOST_CHOSEN if regulators is None else MOST_HUBS])
    ours = edges[edges["regulator"].isin(hubs)]
    drawn = ours.head(n_edges).reset_index(drop=True)
    left = set(drawn["regulator"])
    hubs = [name for name in hubs if name in left]
    leaves = [name for name in pd.unique(drawn["target"]) if name not in left]
    at = pd.Index([*hubs, *leaves])
    pairs = pd.MultiIndex.from_frame(drawn[["regulator", "target"]])
    drawn["known"] = False if known is None else pairs.isin(known)
    named = len(there) if regulators is None else len(set(regulators))
    return Graph(
        tuple(hubs),
        tuple(leaves),
        drawn,
        at.get_indexer(pd.Index(drawn["regulator"])),
        at.get_indexer(pd.Index(drawn["target"])),
        _note(len(drawn), len(edges), len(hubs), named),
    )


def _note(n_drawn: int, n_edges: int, n_hubs: int, n_named: int) -> str:
    kinds = (("edges", n_drawn, n_edges), ("regulators", n_hubs, n_named))
    if n_drawn == n_edges and n_hubs == n_named:
        return ""
    drawn = ", ".join(f"{n:,} of {total:,} {kind}" for kind, n, total in kinds)
    return f"The strongest only: {drawn}."


def read_reference(reference: Reference, genes: Sequence[str]) -> tuple[str, pd.MultiIndex]:
    """Name and pairs (regulator, target) of a network."""
    if isinstance(reference, ReferenceNetwork):
        name, table = f"{reference.network} ({reference.cell_type})", reference.edges
    elif isinstance(reference, str):
        name, table = reference, gene_sets(reference)  # type: ignore[arg-type]  # others are refused with a hint
    elif isinstance(reference, pd.DataFrame):
        name, table = str(reference.attrs.get("name", "the reference")), reference
    else:
        raise InputError(f"reference is a {type(reference).__name__}. {_FORMS}")
    if missing := [column for column in ("source", "target") if column not in table]:
        raise InputError(f"reference has no column {missing[0]!r} but {list_some(table.columns)}. {_FORMS}")
    pairs = pd.MultiIndex.from_frame(table[["source", "target"]].astype(str).drop_duplicates())
    if not set(genes).intersection(pairs.get_level_values(1)):
        raise InputError(
            f"reference: none of its targets, such as {list_some(pairs.get_level_values(1)[:3])}, is a gene of adata, such as "
            f"{list_some(genes[:3])}. Use a network with the same names."
        )
    return name, pairs


_FORMS = (
    "Give a table with the columns source and target, what datasets.beeline returned, or the name of a network of "
    "datasets.gene_sets such as 'trrust'."
)
