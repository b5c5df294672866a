"""Does the network find the true edges, and does it predict doubles it never saw?"""

from __future__ import annotations

import time

import numpy as np

import scclamp as sc_c
from benchmarks.norman_fit import CONFIGS
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table
from benchmarks.truth_scores import (
    SPLIT,
    Truth,
    baseline_scores,
    double_row,
    edge_row,
    edge_scores,
    make_truth,
    singles_of,
)

NOISE = {
    "low": {"library_size": 200_000.0, "dispersion": 0.02, "dropout": 0.0},
    "medium": {"library_size": 50_000.0, "dispersion": 0.05, "dropout": 0.02},
    "high": {"library_size": 12_000.0, "dispersion": 0.1, "dropout": 0.1},
}
MODES = ("CRISPRa", "CRISPRi")
PRESETS = {Scale.QUICK: ("tiny",), Scale.NORMAL: ("demo",), Scale.FULL: ("demo", "norman_like")}
READINGS, SHIFT = ("A", "A x effect at the clamp"), "single-gene shift"


def screen_rows(truth: Truth) -> tuple[list[dict], list[dict]]:
    """Rows of edges and of doubles for one screen."""
    seen = singles_of(truth.adata)
    edges = {name: edge_row(truth, scores) for name, scores in baseline_scores(truth).items()}
    doubles = []
    for name, config in CONFIGS.items():
        start = time.perf_counter()
        fitted = sc_c.tl.fit(seen, config=config, split_key=SPLIT, copy=True)
        spent = time.perf_counter() - start
        edges |= {f"{name}: {s}": edge_row(truth, scores) for s, scores in edge_scores(truth, fitted).items()}
        epochs = len(fitted.uns["clamp"]["history"])
        doubles.append({"network": name, "fit, s": spent, "epochs": epochs} | double_row(truth, fitted))
    return [{"ranking": name} | row for name, row in edges.items()], doubles


def run(scale: Scale) -> Outcome:
    edges: dict[str, list[dict]] = {}
    doubles: dict[str, list[dict]] = {}
    for preset in PRESETS[scale]:
        edges[preset], doubles[preset] = [], []
        for mode in MODES:
            for noise, settings in NOISE.items():
                truth = make_truth(preset, mode=mode, **settings)
                found = screen_rows(truth)
                for rows, new in zip((edges[preset], doubles[preset]), found, strict=True):
                    rows += [{"mode": mode, "noise": noise} | row for row in new]
    checks, tables = [], []
    for preset in edges:
        checks += _checks(preset, edges[preset], doubles[preset])
        tables += [
            Table(f"Edges, preset `{preset}`.", edges[preset]),
            Table(f"Doubles, preset `{preset}`.", doubles[preset]),
        ]
    return Outcome(checks, tables)


def _checks(preset: str, edges: list[dict], doubles: list[dict]) -> list[Check]:
    """How often the default network wins, and by how much in the worst screen; every comparison has its row."""
    checks = []
    for reading in READINGS:
        for column in ("AUPRC", "AUPRC, path", "AUPRC, moved"):
            network, shift = (
                np.array([r[column] for r in edges if r["ranking"] == n]) for n in (f"default: {reading}", SHIFT)
            )
            gain, what = network - shift, f"{preset}, edges by {reading}, {column} over the shift ranking's"
            checks += [
                Check(f"{what}: screens won of {len(gain)}", int((gain > 0).sum()), at_least=len(gain)),
                Check(f"{what}: least gain", float(gain.min())),
            ]
    for column in ("skill over additive", "skill over additive of all cells"):
        least = min(r[column] for r in doubles if r["network"] == "default")
        checks.append(Check(f"{preset}, doubles: least {column}", least, at_least=0.0))
    return checks


BENCHMARK = Benchmark(
    name="truth",
    title="Truth: edges and doubles of simulated screens",
    about=(
        "`datasets.simulated` at three noise levels (transcripts per cell 200,000, 50,000, 12,000; dispersion "
        "0.02, 0.05, 0.1; dropout 0, 0.02, 0.1), activated and repressed. Networks are fitted on control and "
        "singles, doubles are never shown; four fifths of each condition's cells train, the rest validate. "
        "Baselines of edges see all cells.\n\n"
        "*Edges.* Every ranking scores pairs of a gene and a regulator; self-loops are left out. The network is "
        "read as its weights `A`, and as `A` times the change of the regulator's activity at its clamp, which "
        "makes regulators comparable. Baselines: the observed shift when the regulator alone is perturbed, divided "
        "by the direction in which it moved, and the correlation over all cells. `path` judges only pairs that "
        "some path of edges joins, so negatives are indirect effects; `moved` only pairs whose noise-free shift is "
        "at least 0.05, edge or not. `indirect in top`: the share of such edge-less but joined pairs among as many "
        "top pairs as there are edges. `sign accuracy` and `r of weights` are over the true edges.\n\n"
        "*Doubles.* Predicted from the single-gene doses, against noise-free states, both clamped genes left out. "
        "`r`: mean over pairs of the correlation of shifts. `skill`: 1 - MSE / MSE of the sum of observed single "
        "shifts (additive), on the same training cells or, as a user without a model would, on all cells, or of no "
        "change. `r of interactions`: what goes beyond the sum of singles, predicted by the network alone, against "
        "the true one."
    ),
    run=run,
)
