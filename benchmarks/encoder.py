"""The PCA encoder beside the identity."""

from __future__ import annotations

import time

import scclamp as sc_c
from benchmarks.norman_fit import CONFIGS
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table
from benchmarks.truth import NOISE, PRESETS
from benchmarks.truth_scores import SPLIT, double_row, edge_row, edge_scores, make_truth, singles_of


def run(scale: Scale) -> Outcome:
    edges, doubles, times = [], [], {}
    preset = PRESETS[scale][-1]
    truth = make_truth(preset, **NOISE["medium"])
    seen = singles_of(truth.adata)
    for lens in ("identity", "pca"):
        for name, config in CONFIGS.items():
            start = time.perf_counter()
            fitted = sc_c.tl.fit(seen, encoder=lens, config=config, split_key=SPLIT, copy=True)
            times[lens, name] = time.perf_counter() - start
            row = {"encoder": lens, "configuration": name}
            scores = edge_scores(truth, fitted)["A x effect at the clamp"]
            epochs = len(fitted.uns["clamp"]["history"])
            edges.append(row | edge_row(truth, scores))
            doubles.append(row | {"fit, s": times[lens, name], "epochs": epochs} | double_row(truth, fitted))
    checks = [
        Check(
            "PCA fit over identity fit, default configuration",
            times["pca", "default"] / times["identity", "default"],
            "x",
        )
    ]
    return Outcome(checks, [Table(f"Edges, preset `{preset}`.", edges), Table("Doubles of the same screen.", doubles)])


BENCHMARK = Benchmark(
    name="encoder",
    title="The PCA encoder",
    about=(
        "The same screen (activation, medium noise) fitted through 512 principal components of control cells, or "
        "as many as there are, and through the identity. Early stopping is on, so times contain different numbers "
        "of epochs; columns are those of the section above, edges ranked by `A` times the effect at the clamp."
    ),
    run=run,
)
