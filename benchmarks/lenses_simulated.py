"""Simulated screens, whose doubles are known without noise, fitted through lenses from both starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import scclamp as sc_c
from benchmarks import lenses_trained
from benchmarks.lenses_made import made
from benchmarks.lenses_ranks import columns, preserved
from benchmarks.probes_models import dense
from benchmarks.truth_scores import SPLIT, Truth, double_row, make_truth, singles_of
from scclamp.encoders import Encoder
from scclamp.fitting import FitConfig

STARTS = {
    "regression start": FitConfig(),
    "random start": FitConfig(start="random", init_scale=0.01, learning_rate=0.01),
}
SETTINGS = {"n_genes": 40, "n_regulators": 8, "combinations": 20, "n_cells_per_condition": 100, "n_control_cells": 200}
EFFECTS = {"density": 0.25, "strength": 1.2, "dose": 3.0}
NOISE = {"library_size": 500_000.0, "library_spread": 0.1, "dispersion": 0.01, "dropout": 0.0}
"""Little: simulated cells of one condition differ by sampling alone, and small models must have something to learn."""
FEW = {"n_genes": 40, "n_regulators": 6, "combinations": 6, "n_cells_per_condition": 20, "n_control_cells": 60}
COMPONENTS, RANDOMS = (2, 8, 32), (4, 8, 32)
ACCURACIES = tuple(f"{what} of doubles, {start}" for start in STARTS for what in ("r", "skill"))
EPOCHS, MAX_EPOCHS = 16, 250


def measure(seed: int, quick: bool) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """One row for each lens, and what the small models learned of one screen."""
    truth = make_truth("tiny", rng=seed, **((FEW if quick else SETTINGS) | EFFECTS | NOISE))
    seen = singles_of(truth.adata)
    chosen = _untrained(truth, quick)
    # Only what a fit sees: a model that had met the doubles would know what it is asked.
    models, learned = lenses_trained.lenses(seen, 1 if quick else EPOCHS)
    chosen |= models
    table = preserved(seen, chosen, ("alpha", "gamma"), n_cells=8, n_seeds=3, infinitesimal=False)
    rows = []
    for name, lens in chosen.items():
        row: dict[str, object] = {"screen": seed, "lens": name} | columns(table, name)
        for start, config in STARTS.items():
            config = replace(config, max_epochs=10 if quick else MAX_EPOCHS)
            fitted = sc_c.tl.fit(seen, encoder=lens, config=config, split_key=SPLIT, copy=True)
            found = double_row(truth, fitted)
            row |= {f"r of doubles, {start}": found["r"], f"skill of doubles, {start}": found["skill over additive"]}
        rows.append(row)
    return rows, [{"screen": seed} | each for each in learned]


def _untrained(truth: Truth, quick: bool) -> dict[str, Encoder]:
    X = dense(truth.adata)
    labels = truth.adata.obs["perturbation"].astype(str).to_numpy()
    mean = X[labels == "control"].mean(0)
    shifts = np.stack([X[labels == g].mean(0) - mean for g in truth.regulators])
    n = 1 if quick else None
    return made(X[labels == "control"], shifts, mean, COMPONENTS[:n], RANDOMS[:n], "control cells")
