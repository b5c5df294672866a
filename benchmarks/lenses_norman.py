"""Norman's doubles, which no fit saw, through lenses that need no training: pseudobulk has no cells to train on."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np

import scclamp as sc_c
from benchmarks.lenses_made import made
from benchmarks.lenses_ranks import columns, preserved
from benchmarks.lenses_simulated import STARTS
from benchmarks.norman import oracles
from benchmarks.norman_data import Pairs, mean_r, per_pair_error
from scclamp.encoders import Encoder
from scclamp.fitting import FitConfig

COMPONENTS, RANDOMS = (2, 4, 8, 16, 32, 64), (8, 32, 128)
ACCURACIES = tuple(f"{what} of doubles, {start}" for start in STARTS for what in ("r", "skill"))
MAX_EPOCHS = 100


def measure(path: Path, quick: bool) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """One row for each lens, and what the doubles are compared with."""
    pairs = Pairs(ad.read_h5ad(path))
    seen = pairs.seen_by_a_fit()
    chosen = _lenses(pairs, seen, quick)
    with warnings.catch_warnings():
        # One row per condition: there is nothing to validate on, and the benchmark says so.
        warnings.simplefilter("ignore")
        table = preserved(seen, chosen, ("gamma",), n_cells=1, n_seeds=1, infinitesimal=False)
        rows = []
        for name, lens in chosen.items():
            row: dict[str, object] = {"lens": name} | columns(table, name)
            for start, config in STARTS.items():
                predicted = _predict(pairs, seen, lens, replace(config, max_epochs=2 if quick else MAX_EPOCHS))
                row |= {f"{k} of doubles, {start}": v for k, v in judged(pairs, predicted).items()}
            rows.append(row)
    compared = {name: p for name, p in pairs.nulls().items() if name != "no change"} | oracles(pairs)
    return rows, [{"prediction": name} | judged(pairs, p) for name, p in compared.items()]


def judged(pairs: Pairs, predicted: np.ndarray) -> dict[str, float]:
    """Correlation with the observed doubles, and skill over the sum of the observed singles."""
    error = per_pair_error(predicted, pairs.observed).sum()
    additive = per_pair_error(pairs.nulls()["additive"], pairs.observed).sum()
    return {"r": mean_r(predicted, pairs.observed, pairs.free), "skill": float(1 - error / additive)}


def _lenses(pairs: Pairs, seen: ad.AnnData, quick: bool) -> dict[str, Encoder]:
    X = np.asarray(seen.X.toarray() if hasattr(seen.X, "toarray") else seen.X, float)
    shifts = np.stack([pairs.shifts[n] for n in pairs.singles])
    mean = X[seen.obs["perturbation"].astype(str).tolist().index("control")]
    n = 1 if quick else None
    return made(X, shifts, mean, COMPONENTS[:n], RANDOMS[:n], "the singles")


def _predict(pairs: Pairs, seen: ad.AnnData, lens: Encoder, config: FitConfig) -> np.ndarray:
    """Shifts of the doubles (pairs, genes), as `predict_clamps` calibrates them by default."""
    fitted = sc_c.tl.fit(seen, encoder=lens, config=config, unmeasured="latent", copy=True)
    answer = sc_c.tl.predict_clamps(fitted, pairs.names, source=pairs.adata, layers=["shift"])
    return np.asarray(answer.layers["shift"], float) * pairs.free
