"""Recovered edges and predicted doubles against the simulated truth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import anndata as ad
import numpy as np

import scclamp as sc_c
from scclamp.metrics import auprc, auroc, cell_correlation, edge_recovery, shift_ranking

SPLIT = "split"
MOVED = 0.05
"""Noise-free shift from which a gene counts as moved by a regulator (log1p scale)."""


@dataclass(frozen=True)
class Truth:
    """The network and the noise-free states behind a simulated screen, and the screen's observed means."""

    adata: ad.AnnData

    @cached_property
    def regulators(self) -> list[str]:
        return self.adata.uns["truth"]["regulators"].tolist()

    @cached_property
    def names(self) -> list[str]:
        return self.adata.uns["truth"]["conditions"].tolist()

    @cached_property
    def rows(self) -> np.ndarray:
        return self.adata.var_names.get_indexer(self.regulators)

    @cached_property
    def singles(self) -> np.ndarray:
        return np.array([self.names.index(g) for g in self.regulators])

    @cached_property
    def doubles(self) -> list[str]:
        return [name for name in self.names if "+" in name]

    @cached_property
    def weights(self) -> np.ndarray:
        return self.adata.varm["true_A"]

    @cached_property
    def states(self) -> np.ndarray:
        """Noise-free, conditions x genes."""
        return self.adata.varm["true_states"].T

    @cached_property
    def means(self) -> np.ndarray:
        """Observed means over all cells, conditions x genes."""
        return self._means(np.ones(self.adata.n_obs, dtype=bool))

    @cached_property
    def training_means(self) -> np.ndarray:
        """The same over the cells that a fit is given to train on."""
        return self._means((self.adata.obs[SPLIT] == "train").to_numpy())

    def _means(self, chosen: np.ndarray) -> np.ndarray:
        labels = self.adata.obs["perturbation"].astype(str).to_numpy()
        return np.stack([np.asarray(self.adata.X[chosen & (labels == n)].mean(0)).ravel() for n in self.names])

    @cached_property
    def directions(self) -> np.ndarray:
        """Whether each regulator went up or down when perturbed, as observed."""
        return np.sign((self.means[self.singles] - self.means[0])[np.arange(len(self.rows)), self.rows])

    @cached_property
    def direct(self) -> np.ndarray:
        """Pairs with an edge."""
        return self.weights != 0

    @cached_property
    def indirect(self) -> np.ndarray:
        """Pairs without an edge, joined by a path of two or more edges."""
        core = self.direct[self.rows]
        reach = core.copy()
        for _ in range(len(core)):
            reach = core | (core.astype(int) @ reach.astype(int) > 0)
        return (self.direct.astype(int) @ reach.astype(int) > 0) & ~self.direct

    @cached_property
    def moved(self) -> np.ndarray:
        """Pairs whose noise-free shift is at least `MOVED`."""
        return np.abs(self.states[self.singles] - self.states[0]).T >= MOVED


def make_truth(preset: str, **settings: object) -> Truth:
    """Simulate a screen and choose four fifths of each condition's cells for training."""
    adata = sc_c.datasets.simulated(preset, **settings)
    rank = adata.obs.groupby("perturbation", observed=True).cumcount()
    # Cells come in random order, so that every fifth is a random fifth.
    adata.obs[SPLIT] = np.where(rank % 5 == 4, "val", "train")
    return Truth(adata)


def singles_of(adata: ad.AnnData) -> ad.AnnData:
    """The screen without its combinations: what a fit is allowed to see."""
    return adata[(adata.obs["n_genes_perturbed"] <= 1).to_numpy()].copy()


def edge_scores(truth: Truth, fitted: ad.AnnData) -> dict[str, np.ndarray]:
    """Signed scores genes x regulators of both readings of the network and of the baselines."""
    order = [fitted.uns["clamp"]["regulators"].tolist().index(g) for g in truth.regulators]
    A = fitted.varm["clamp_A"][:, order]
    constants = {name: rows["value"].to_numpy() for name, rows in sc_c.get.kinetics(fitted).groupby("name")}
    # A constant of each regulator is listed in the order of the fit; a shared one once.
    n, K = (v[order] if len(v) > 1 else v for v in (constants["n"], constants["K"]))

    def h(x: np.ndarray) -> np.ndarray:
        x = np.clip(x, 1e-6, 50) ** n
        return x / (K**n + x)

    own = np.arange(len(truth.rows)), truth.rows
    effect = h(truth.means[truth.singles][own]) - h(truth.means[0][truth.rows])
    return {"A": A, "A x effect at the clamp": A * np.abs(effect)}


def baseline_scores(truth: Truth) -> dict[str, np.ndarray]:
    """Shift of the gene per direction of the regulator, and correlation over cells."""
    return {
        "single-gene shift": shift_ranking(truth.means, truth.singles) * truth.directions,
        "correlation over cells": cell_correlation(truth.adata.X, truth.rows),
    }


def edge_row(truth: Truth, scores: np.ndarray) -> dict[str, float]:
    """How well a ranking finds the edges among all pairs, and among pairs that a path joins anyway."""
    found = edge_recovery(scores, truth.weights, regulator_rows=truth.rows)
    off = np.ones(scores.shape, dtype=bool)
    off[truth.rows, np.arange(len(truth.rows))] = False
    size = np.abs(scores)
    joined, moved = (truth.direct | truth.indirect) & off, truth.moved & off
    k = int(truth.direct[off].sum())
    top = np.zeros(scores.shape, dtype=bool)
    chosen = np.argsort(-np.where(off, size, -1), axis=None, kind="stable")[:k]
    top.flat[chosen] = True
    return {
        "AUPRC": found["auprc"],
        "chance": found["auprc_chance"],
        "AUROC": found["auroc"],
        "AUPRC, path": auprc(size[joined], truth.direct[joined]),
        "AUROC, path": auroc(size[joined], truth.direct[joined]),
        "AUPRC, moved": auprc(size[moved], truth.direct[moved]),
        "AUROC, moved": auroc(size[moved], truth.direct[moved]),
        "indirect in top": float(truth.indirect[top].mean()),
        "sign accuracy": found["sign_accuracy"],
        "r of weights": found["pearson_edges"],
    }


def double_row(truth: Truth, fitted: ad.AnnData) -> dict[str, float]:
    """Doubles predicted from singles against noise-free states, clamped genes left out."""
    pairs = [name.split("+") for name in truth.doubles]
    names = ["control", *truth.doubles, *truth.regulators]
    at = {name: i for i, name in enumerate(names)}

    def predict(combination: str) -> _Parts:
        answer = sc_c.tl.predict_clamps(fitted, names, layers=["predicted"], combination=combination)
        return _parts(np.asarray(answer.layers["predicted"], np.float64), at, pairs)

    # Simulated cells have no limit to what they do at once, so the steady state as it is is the model of them.
    network, calibrated = predict("steady_state"), predict("calibrated")
    real = _parts(truth.states, {n: i for i, n in enumerate(truth.names)}, pairs)
    seen, trained = (
        _parts(means, {n: i for i, n in enumerate(truth.names)}, pairs) for means in (truth.means, truth.training_means)
    )
    free = np.ones(real.shift.shape, dtype=bool)
    for row, pair in enumerate(pairs):
        free[row, truth.adata.var_names.get_indexer(pair)] = False
    error = {
        "network": _mse(network.shift, real.shift, free),
        "calibrated": _mse(calibrated.shift, real.shift, free),
        "additive": _mse(trained.additive, real.shift, free),
        "additive, all cells": _mse(seen.additive, real.shift, free),
        "no change": _mse(np.zeros_like(real.shift), real.shift, free),
    }
    return {
        "r": _mean_r(network.shift, real.shift, free),
        "r, additive": _mean_r(trained.additive, real.shift, free),
        "skill over additive": 1 - error["network"] / error["additive"],
        "skill over additive of all cells": 1 - error["network"] / error["additive, all cells"],
        "skill over additive, calibrated": 1 - error["calibrated"] / error["additive"],
        "skill over no change": 1 - error["network"] / error["no change"],
        "additive over no change": 1 - error["additive"] / error["no change"],
        "r of interactions": _mean_r(network.shift - network.additive, real.shift - real.additive, free),
    }


@dataclass(frozen=True)
class _Parts:
    """Shifts of pairs, and the sums of the shifts of their genes."""

    shift: np.ndarray
    additive: np.ndarray


def _parts(states: np.ndarray, at: dict[str, int], pairs: list[list[str]]) -> _Parts:
    shifts = states - states[at["control"]]
    return _Parts(
        shifts[[at["+".join(pair)] for pair in pairs]],
        shifts[[at[a] for a, _ in pairs]] + shifts[[at[b] for _, b in pairs]],
    )


def _mse(predicted: np.ndarray, real: np.ndarray, free: np.ndarray) -> float:
    return float(((predicted - real)[free] ** 2).mean())


def _mean_r(predicted: np.ndarray, real: np.ndarray, free: np.ndarray) -> float:
    """Mean over pairs of the correlation over genes; pairs where one side does not vary have none."""
    both = [(p[f], r[f]) for p, r, f in zip(predicted, real, free, strict=True)]
    return float(np.mean([np.corrcoef(p, r)[0, 1] for p, r in both if np.ptp(p) > 0 and np.ptp(r) > 0]))
