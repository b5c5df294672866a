"""Papalexi's real cells through lenses, trained ones among them. No doubles were made: single knock-outs of cells held out judge."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from benchmarks import lenses_trained, papalexi
from benchmarks.lenses_made import made
from benchmarks.lenses_ranks import columns, preserved
from benchmarks.lenses_simulated import STARTS
from benchmarks.papalexi_edges import Judge, read_network, scopes
from benchmarks.probes_models import dense
from scclamp.encoders import Encoder, cached

N_GENES, N_LEARNED, N_CELLS = 80, 1500, 4000
"""Size of a panel that a small model can learn, the cells that it learns from, and those that each lens reads."""
COMPONENTS, RANDOMS = (2, 8, 32), (4, 8, 32)
EDGES = "AUPRC of known edges"
ACCURACIES = tuple(f"{what}, {start}" for start in STARTS for what in ("r, held out", "R2, held out", EDGES))
EPOCHS, MAX_EPOCHS = 12, 120


def measure(paths: dict[str, Path], quick: bool) -> tuple[list[dict[str, object]], list[dict[str, object]], str]:
    """One row for each lens, what the small models learned, and what the edges and the means of the training cells come to."""
    whole = papalexi.prepare(paths["cells"])
    known = pd.concat([read_network(name, paths[name]) for name in papalexi.NETWORKS])
    known = np.sign(known.groupby(["source", "target"])["weight"].sum()).reset_index()
    drawn = np.random.default_rng(0).permutation(whole.n_obs)[: N_CELLS // 4 if quick else N_CELLS]
    panel = _panel(whole[np.sort(drawn)], known)
    training = np.flatnonzero(panel.obs["split"] == "train")
    some = np.sort(np.random.default_rng(0).permutation(training)[:N_LEARNED])
    models, learned = lenses_trained.lenses(panel[some].copy(), 1 if quick else EPOCHS)
    chosen = _untrained(panel, quick) | models
    rows = []
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        # Most targets are not measured, and some lenses fail the checks: that is what is measured here.
        warnings.simplefilter("ignore")
        table = preserved(panel, chosen, ("alpha", "gamma"), n_cells=8, n_seeds=3, infinitesimal=False)
        for name, lens in chosen.items():
            row: dict[str, object] = {"lens": name} | columns(table, name)
            # Models take long to read every cell, which the second start need not repeat.
            kept = cached(lens, Path(folder) / str(len(rows))) if name in models else lens
            for start, config in STARTS.items():
                fitted = panel.copy()
                config = replace(config, max_epochs=2 if quick else MAX_EPOCHS)
                papalexi.fit(fitted, encoder=kept, config=config)
                row |= {f"{k}, {start}": v for k, v in _judged(fitted, known).items()}
            rows.append(row)
    return rows, learned, _compared(panel, known)


def _panel(whole: ad.AnnData, known: pd.DataFrame) -> ad.AnnData:
    """Measured targets of guides and what they are known to regulate, filled up with the genes that most cells express."""
    targets = set(whole.obs["perturbation"].astype(str))
    wanted = targets | set(known.loc[known["source"].isin(targets), "target"])
    expressed = (dense(whole) > 0).mean(0) + whole.var_names.isin(list(wanted))
    return whole[:, np.sort(np.argsort(-expressed)[:N_GENES])].copy()


def _untrained(panel: ad.AnnData, quick: bool) -> dict[str, Encoder]:
    control = (panel.obs["perturbation"].astype(str) == "control") & (panel.obs["split"] == "train")
    X = dense(panel)[control.to_numpy()]
    n = 1 if quick else None
    shifts = papalexi.mean_shifts(panel, "train").to_numpy()
    return made(X, shifts, X.mean(0), COMPONENTS[:n], RANDOMS[:n], "control cells")


def _judged(fitted: ad.AnnData, known: pd.DataFrame) -> dict[str, float]:
    regulators = fitted.uns["clamp"]["regulators"].tolist()
    readings = papalexi.readings(fitted)
    found = _against_held_out(fitted, readings["shift predicted by the network"])
    edges = scopes(known, regulators, list(fitted.var_names))["all factors"]
    row = Judge(edges, list(fitted.var_names), 1).row(readings[papalexi.MAIN], np.random.default_rng(0))
    return found | {EDGES: row["AUPRC"]}


def _against_held_out(panel: ad.AnnData, predicted: pd.DataFrame) -> dict[str, float]:
    """Correlation and R2 of shifts of the cells that were held out, targets left out."""
    observed = papalexi.mean_shifts(panel, "val")
    free = np.array(observed.index)[:, None] != np.array(observed.columns)[None, :]
    p, o = predicted.loc[observed.index, observed.columns].to_numpy(float), observed.to_numpy()
    r = [np.corrcoef(a[f], b[f])[0, 1] if np.ptp(a[f]) > 0 else 0.0 for a, b, f in zip(p, o, free, strict=True)]
    return {
        "r, held out": float(np.mean(r)),
        "R2, held out": float(1 - ((p - o)[free] ** 2).sum() / (o[free] ** 2).sum()),
    }


def _compared(panel: ad.AnnData, known: pd.DataFrame) -> str:
    """Both judgements of the training cells' own shifts, and of chance."""
    shifts = papalexi.mean_shifts(panel, "train")
    edges = scopes(known, list(shifts.index), list(panel.var_names))["all factors"]
    row = Judge(edges, list(panel.var_names), 2000).row(shifts, np.random.default_rng(0))
    found = _against_held_out(panel, shifts)
    return (
        f"{panel.n_obs:,} cells, {panel.n_vars} genes, {row['edges']} known edges. The shifts of the training cells themselves, without a network: "
        f"r {found['r, held out']:.2f} and R2 {found['R2, held out']:.2f} in held-out cells, {EDGES} {row['AUPRC']:.3f} "
        f"(with genes permuted {row['permuted']:.3f})."
    )
