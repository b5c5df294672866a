"""Does a network fitted through a lens predict doubles the better, the more regulatory signal the lens preserves?"""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import spearmanr

import scclamp as sc_c
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table
from benchmarks.truth import NOISE, PRESETS
from benchmarks.truth_scores import SPLIT, Truth, double_row, make_truth, singles_of
from scclamp.encoders import PCA, Encoder, Identity, as_encoder
from scclamp.fitting import FitConfig

STARTS = {"regression start": FitConfig(), "random start": FitConfig(start="random", init_scale=0.01)}
N_COMPONENTS = (2, 8, 32, 128)
N_RANDOM = (8, 32, 128)


def lenses(truth: Truth) -> dict[str, Encoder]:
    """Lenses that preserve everything, a part, other parts, and next to nothing of the regulatory signal."""
    adata = truth.adata
    X = np.asarray(adata.X.toarray() if hasattr(adata.X, "toarray") else adata.X, float)
    labels = adata.obs["perturbation"].astype(str).to_numpy()
    control = X[labels == "control"]
    mean, rng = control.mean(0), np.random.default_rng(0)
    axes = np.linalg.svd(control - mean, full_matrices=False)[2].T
    singles = sorted({name for name in labels if name != "control" and "+" not in name})
    moved = np.linalg.svd(np.stack([X[labels == n].mean(0) - mean for n in singles]), full_matrices=False)[2].T
    found: dict[str, Encoder] = {"identity": Identity()}
    for k in N_COMPONENTS:
        found[f"{k} components of control cells"] = PCA(axes[:, :k], mean)
    for k in N_RANDOM:
        found[f"{k} random directions"] = PCA(np.linalg.qr(rng.standard_normal((X.shape[1], k)))[0], mean)
    half = moved[:, : moved.shape[1] // 2]
    found["all but half of what perturbations do"] = as_encoder(_without(half), name="without", affine=True)
    hidden = torch.as_tensor(rng.standard_normal((X.shape[1], 64)) / X.shape[1] ** 0.5)
    found["64 random saturated units"] = as_encoder(
        lambda x: torch.tanh(4 * (x - _like(mean, x)) @ hidden.to(x)), name="tanh"
    )
    return found


def _without(directions: np.ndarray):
    V = torch.as_tensor(directions)
    return lambda x: x - (x @ V.to(x)) @ V.to(x).mT


def _like(values: np.ndarray, x: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values).to(x)


def run(scale: Scale) -> Outcome:
    preset = PRESETS[scale][0]
    truth = make_truth(preset, **NOISE["medium"])
    seen = singles_of(truth.adata)
    chosen = lenses(truth)
    measured = sc_c.tl.transmission(seen, chosen, n_cells=32, n_seeds=3, rng=0).set_index(["encoder", "basis"])
    rows = []
    for name, lens in chosen.items():
        row: dict[str, object] = {"lens": name}
        row |= {f"preserved, {basis}": measured.loc[(name, basis), "preserved"] for basis in ("alpha", "gamma")}
        row["preserved, the shifts themselves"] = measured.loc[(name, "gamma"), "direct"]
        for start, config in STARTS.items():
            short = {"max_epochs": 20} if scale == Scale.QUICK else {}
            fitted = sc_c.tl.fit(seen, encoder=lens, config=config, split_key=SPLIT, copy=True, **short)
            row[f"r of doubles, {start}"] = double_row(truth, fitted)["r"]
        rows.append(row)
    checks = []
    for start in STARTS:
        accuracy = [row[f"r of doubles, {start}"] for row in rows]
        for what in ("preserved, gamma", "preserved, the shifts themselves"):
            rank = spearmanr([row[what] for row in rows], accuracy).statistic
            checks.append(Check(f"{start}: rank correlation of r of doubles with {what}", float(rank)))
    return Outcome(checks, [Table(f"Lenses on one simulated screen, preset `{preset}`, medium noise.", rows)])


BENCHMARK = Benchmark(
    name="lenses",
    title="Lenses: what they preserve, and what a network fitted through them predicts",
    about=(
        "The paper's central claim is that compositional accuracy follows what an encoder preserves. One simulated screen is fitted "
        "through lenses that preserve different shares of the regulatory signal (`tl.transmission`), and doubles that no fit saw are "
        "predicted (steady states, r against the noise-free truth). The default starts from a regression on the means of genes, which no "
        "lens hides from it; only from a random start does all that a network learns pass through the lens."
    ),
    run=run,
)
