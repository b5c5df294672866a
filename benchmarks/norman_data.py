"""Norman's doubles as a judge sees them: observed shifts, what is clamped, and sums of single shifts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import anndata as ad
import numpy as np

FILE = Path("norman2019_pseudobulk") / "norman2019_pseudobulk.h5ad"
SHARED = Path(__file__).parents[2] / "shared" / "data"


def find() -> Path | None:
    """Path of the pseudobulk, in the folder that SCCLAMP_TEST_DATA names or beside the repository."""
    path = Path(os.environ.get("SCCLAMP_TEST_DATA", SHARED)) / FILE
    return path if path.exists() else None


@dataclass(frozen=True)
class Pairs:
    """The doubles whose two singles are there too; shifts are pairs x genes, 0 for the genes that a pair clamps."""

    adata: ad.AnnData

    @cached_property
    def labels(self) -> list[str]:
        return self.adata.obs["perturbation"].astype(str).tolist()

    @cached_property
    def singles(self) -> list[str]:
        return [n for n in self.labels if n != "control" and "+" not in n]

    @cached_property
    def names(self) -> list[str]:
        known = set(self.singles)
        return [n for n in self.labels if "+" in n and known.issuperset(n.split("+"))]

    @cached_property
    def shifts(self) -> dict[str, np.ndarray]:
        X = np.asarray(self.adata.X.toarray() if hasattr(self.adata.X, "toarray") else self.adata.X, float)
        return dict(zip(self.labels, X - X[self.labels.index("control")], strict=True))

    @cached_property
    def free(self) -> np.ndarray:
        """Genes that the pair does not clamp."""
        free = np.ones((len(self.names), self.adata.n_vars), bool)
        for row, name in enumerate(self.names):
            at = self.adata.var_names.get_indexer(name.split("+"))
            free[row, at[at >= 0]] = False
        return free

    @cached_property
    def observed(self) -> np.ndarray:
        return np.stack([self.shifts[n] for n in self.names]) * self.free

    def seen_by_a_fit(self) -> ad.AnnData:
        """Control and singles."""
        return self.adata[[("+" not in n) for n in self.labels]].copy()

    def parts(self, single_shifts: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Shifts of the first and of the second gene of each pair."""
        both = [np.stack([single_shifts[n.split("+")[k]] for n in self.names]) * self.free for k in (0, 1)]
        return both[0], both[1]

    def shrunken(self, penalty: float) -> dict[str, np.ndarray]:
        """Single shifts with singular values s -> s s^2 / (s^2 + penalty), in log2 units as the penalty is."""
        matrix = np.stack([self.shifts[n] for n in self.singles]) / np.log(2)
        U, s, V = np.linalg.svd(matrix, full_matrices=False)
        return dict(zip(self.singles, np.log(2) * (U * (s**3 / (s**2 + penalty))) @ V, strict=True))

    def nulls(self) -> dict[str, np.ndarray]:
        """What a judge compares with, before any free scale."""
        additive = sum(self.parts(self.shifts))
        denoised = sum(self.parts(self.shrunken(100)))
        mean = np.mean([self.shifts[n] for n in self.singles], axis=0) * self.free
        unit = 2 * np.log(2)
        return {
            "no change": np.zeros_like(additive),
            "mean response": mean,
            "additive": additive,
            "additive, shrunken": denoised,
            "additive, shrunken, saturated": unit * np.tanh(denoised / unit),
        }


def per_pair_error(predicted: np.ndarray, observed: np.ndarray) -> np.ndarray:
    return ((predicted - observed) ** 2).sum(1)


def mean_r(predicted: np.ndarray, observed: np.ndarray, free: np.ndarray) -> float:
    """Mean Pearson correlation over the free genes of each pair; 0 for a constant prediction."""
    rs = []
    for p, o, f in zip(predicted, observed, free, strict=True):
        rs.append(float(np.corrcoef(p[f], o[f])[0, 1]) if p[f].std() > 0 else 0.0)
    return float(np.mean(rs))


def best_scale(predicted: np.ndarray, observed: np.ndarray, pairs: np.ndarray) -> float:
    """Least-squares scale over some pairs."""
    p, o = predicted[pairs], observed[pairs]
    norm = float((p * p).sum())
    return float((p * o).sum()) / norm if norm else 0.0
