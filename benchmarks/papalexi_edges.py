"""Known edges of the interferon-gamma pathway against signed scores of knock-outs, with genes permuted as the null."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

import scclamp as sc_c
from benchmarks.norman_data import SHARED

CELLS = Path("papalexi2021_eccite") / "papalexi2021_eccite_rna_299genes.h5ad"
NETWORKS = {
    "trrust": Path("gene_sets") / "trrust_rawdata.human.tsv",
    "collectri": Path("networks") / "collectri_human.csv",
}
PATHWAY = {
    "IFNGR1": ("STAT1", "IRF1"),
    "IFNGR2": ("STAT1", "IRF1"),
    "JAK2": ("STAT1", "IRF1"),
    "STAT1": ("STAT1", "IRF1"),
    "IRF1": ("IRF1",),
}
"""Factors through which a knock-out acts: receptor and kinase switch on STAT1, which switches on IRF1."""


def find() -> dict[str, Path] | None:
    """Paths of cells and networks, in the folder that SCCLAMP_TEST_DATA names or beside the repository."""
    folder = Path(os.environ.get("SCCLAMP_TEST_DATA", SHARED))
    paths = {name: folder / path for name, path in {"cells": CELLS, **NETWORKS}.items()}
    return paths if all(path.exists() for path in paths.values()) else None


def read_network(name: str, path: Path) -> pd.DataFrame:
    """Signed edges, one row for each pair; a pair with both signs has none."""
    table = sc_c.datasets.gene_sets(name, path=path)
    return np.sign(table.groupby(["source", "target"])["weight"].sum()).reset_index()


def scopes(known: pd.DataFrame, regulators: list[str], genes: list[str]) -> dict[str, pd.DataFrame]:
    """What is held to be known of which knock-outs: regulator, target, sign."""
    known = known[known["target"].isin(genes)].rename(columns={"source": "regulator", "weight": "sign"})
    through = [known[known["regulator"].isin(factors)].assign(regulator=name) for name, factors in PATHWAY.items()]
    # What two factors do to a gene is told by the one whose sign is known.
    pathway = np.sign(pd.concat(through).groupby(["regulator", "target"])["sign"].sum()).reset_index()
    found = {
        "IRF1 and STAT1": known[known["regulator"].isin(["IRF1", "STAT1"])],
        "pathway": pathway,
        "all factors": known[known["regulator"].isin(regulators)],
    }
    return {name: edges[edges["regulator"] != edges["target"]] for name, edges in found.items()}


@dataclass(frozen=True, eq=False)
class Judge:
    """Known edges on the pairs of some regulators with all genes but themselves.

    Parameters
    ----------
    edges
        Columns `regulator`, `target` and `sign`.
    genes
        The panel.
    n_permutations
        Size of the null.
    """

    edges: pd.DataFrame
    genes: list[str]
    n_permutations: int

    @cached_property
    def regulators(self) -> list[str]:
        return sorted(self.edges["regulator"].unique())

    @cached_property
    def known(self) -> np.ndarray:
        """Signs, regulators x genes; NaN where no edge is known."""
        wide = self.edges.pivot_table(index="regulator", columns="target", values="sign")
        return wide.reindex(index=self.regulators, columns=self.genes).to_numpy(float)

    @cached_property
    def off(self) -> np.ndarray:
        """Pairs of different genes."""
        return np.array(self.regulators)[:, None] != np.array(self.genes)[None, :]

    def row(self, scores: pd.DataFrame, rng: np.random.Generator) -> dict[str, object]:
        """How well scores (regulators x genes, the direction of each gene in the knock-out) rank and sign the edges."""
        values = scores.loc[self.regulators, self.genes].to_numpy(float)
        position = ranks(np.where(self.off, np.abs(values), -1.0))
        edge = ~np.isnan(self.known)
        found = self._scores(position, values, self.known)
        orders = (rng.permutation(len(self.genes)) for _ in range(self.n_permutations))
        null = np.array([self._scores(position, values, self.known[:, order]) for order in orders])
        within = np.stack([ranks(row) for row in np.where(self.off, np.abs(values), -1.0)])
        return {
            "edges": int(edge.sum()),
            "AUPRC": found[0],
            "permuted": null[:, 0].mean(),
            "p": _p(found[0], null[:, 0]),
            "median rank": float(np.median(within[edge])),
            "signed": int((np.abs(self.known) == 1).sum()),
            "signs agree": found[1],
            "signs permuted": np.nanmean(null[:, 1]),
            "p of signs": _p(found[1], null[:, 1]),
        }

    def _scores(self, position: np.ndarray, values: np.ndarray, known: np.ndarray) -> tuple[float, float]:
        edge, signed = ~np.isnan(known) & self.off, (np.abs(known) == 1) & self.off
        # What a regulator activates falls when it is lost.
        agree = np.sign(values[signed]) == -known[signed]
        return average_precision(position[edge]), float(agree.mean()) if len(agree) else np.nan


def ranks(sizes: np.ndarray) -> np.ndarray:
    """Rank of each, 1 for the largest; equal ones share the last."""
    return (sizes.size - np.searchsorted(np.sort(sizes, axis=None), sizes)).astype(float)


def average_precision(positions: np.ndarray) -> float:
    """Area under the precision-recall curve from the ranks of the true ones among all."""
    ordered = np.sort(positions)
    return float(np.mean(np.searchsorted(ordered, ordered, side="right") / ordered))


def _p(found: float, null: np.ndarray) -> float:
    return float((1 + (null[~np.isnan(null)] >= found).sum()) / (1 + (~np.isnan(null)).sum()))
