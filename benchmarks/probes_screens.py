"""Simulated screens of different networks and genes, what is asked of models of them, and rankings without a model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import anndata as ad
import numpy as np
import pandas as pd

import scclamp as sc_c
from benchmarks.probes_models import Asked, dense
from scclamp.probes import PairFeatures

VALUES = tuple(np.linspace(0.0, 3.5, 8))
"""What a source is set to, the same in every screen."""


@dataclass(frozen=True)
class Screen:
    """A simulated screen whose genes have names of their own."""

    adata: ad.AnnData
    max_epochs: int | None = None

    @classmethod
    def draw(cls, seed: int, settings: dict[str, object], max_epochs: int | None = None) -> Screen:
        adata = sc_c.datasets.simulated("tiny", rng=seed, **settings)
        names = [f"S{seed}_{name}" for name in adata.var_names]
        renamed = dict(zip(adata.var_names, names, strict=True))
        adata.var_names = names
        labels = adata.obs["perturbation"].astype(str)
        adata.obs["perturbation"] = ["+".join(renamed.get(gene, gene) for gene in label.split("+")) for label in labels]
        adata.uns["truth"]["regulators"] = np.array([renamed[g] for g in adata.uns["truth"]["regulators"]])
        return cls(adata, max_epochs)

    @cached_property
    def genes(self) -> list[str]:
        return list(self.adata.var_names)

    @cached_property
    def regulators(self) -> list[str]:
        return list(self.adata.uns["truth"]["regulators"])

    @cached_property
    def network(self) -> pd.DataFrame:
        gene, regulator = self.adata.varm["true_A"].nonzero()
        return pd.DataFrame({"source": np.array(self.regulators)[regulator], "target": np.array(self.genes)[gene]})

    def table(self, scores: np.ndarray) -> pd.DataFrame:
        """Scores regulators x genes as a ranking."""
        i, j = (axis.ravel() for axis in np.indices(scores.shape))
        return pd.DataFrame(
            {"source": np.array(self.regulators)[i], "target": np.array(self.genes)[j], "score": scores.ravel()}
        )

    @cached_property
    def rivals(self) -> dict[tuple[str, str], pd.DataFrame]:
        """Rankings from the cells: two that see no label of a perturbation, and two that do."""
        X = dense(self.adata)
        at = self.adata.var_names.get_indexer(self.regulators)
        r = np.nan_to_num(np.corrcoef(X.T))[at]
        labels = self.adata.obs["perturbation"].astype(str).to_numpy()
        shifts = np.stack([X[labels == g].mean(0) for g in self.regulators]) - X[labels == "control"].mean(0)
        return {
            ("correlation", "null"): self.table(np.abs(r)),
            ("target variance", "null"): self.table(np.broadcast_to(X.var(0), r.shape).copy()),
            ("single-gene shift", "reference"): self.table(np.abs(shifts)),
            ("A of tl.fit", "reference"): self.table(self.A.abs().to_numpy()),
        }

    @cached_property
    def fitted(self) -> ad.AnnData:
        short = {} if self.max_epochs is None else {"max_epochs": self.max_epochs}
        return sc_c.tl.fit(self.adata, rng=0, copy=True, **short)

    @cached_property
    def A(self) -> pd.DataFrame:
        """Weights regulators x genes as `get.adjacency` has them."""
        edges = sc_c.get.adjacency(self.fitted, include_self=True)
        return edges.pivot(index="regulator", columns="target", values="weight").loc[self.regulators, self.genes]

    def ask(self, asked: Asked) -> PairFeatures:
        """Every probe of every pair, with labels and rivals."""
        pairs = sc_c.tl.probe_features(
            self.adata,
            asked.encoder,
            reconstruct=asked.reconstruct,
            sources=self.regulators,
            values=VALUES,
            n_cells=256,
            batch_size=128,
            rng=0,
        ).labelled(self.network, factors=self.regulators, genes=self.genes)
        for (name, form), ranking in self.rivals.items():
            pairs = pairs.with_ranking(name, ranking, form=form)
        return pairs
