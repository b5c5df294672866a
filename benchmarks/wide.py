"""Thousands of regulators with the matrix-free adjoint."""

from __future__ import annotations

import statistics

from benchmarks.clock import in_child, seconds
from benchmarks.problem import make_screen
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table
from scclamp.fitting import FitConfig

MATRIX_FREE = "anderson"
WIDE = {"n_genes": 8000, "n_regulators": 2000, "n_conditions": 2001}
MIDDLE = {"n_genes": 2000, "n_regulators": 500, "n_conditions": 501}
SMALL = {"n_genes": 800, "n_regulators": 200, "n_conditions": 201}


def epochs(size: dict[str, int], solver: str, n: int) -> dict[str, float]:
    """Seconds of the first epoch, which is cold, and of later ones."""
    trainer = make_screen(**size).trainer_at_truth(adjoint="iterative", solver=solver)
    first = seconds(trainer.step)
    later = statistics.median(seconds(trainer.step) for _ in range(n))
    return {"first": first, "later": later}


def run(scale: Scale) -> Outcome:
    small, wide = (SMALL, SMALL) if scale == Scale.QUICK else (MIDDLE, WIDE)
    default = FitConfig().solver
    rows, found = [], {}
    for size, solver in ((small, default), (small, MATRIX_FREE), (wide, MATRIX_FREE)):
        found = in_child(epochs, size=size, solver=solver, n=3)
        figures = {"first epoch, s": found["first"], "later epochs, s": found["later"], "peak, GB": found["peak_gb"]}
        rows.append({"regulators": size["n_regulators"], "genes": size["n_genes"], "solver": solver} | figures)
    label = f"{wide['n_regulators']:,} regulators, {wide['n_genes']:,} genes, solver {MATRIX_FREE}"
    checks = [
        Check(f"{label}: peak memory of the process", found["peak_gb"], "GB", at_most=12),
        Check("the same: one warm epoch", found["later"], "s"),
        Check("the same: 1000 epochs, extrapolated from that epoch", found["later"] * 1000 / 3600, "h"),
    ]
    return Outcome(checks, [Table("Each in a process of its own.", rows)])


BENCHMARK = Benchmark(
    name="wide",
    title="Thousands of regulators",
    about=(
        'A screen of 2,000 regulators, all of them perturbed, on 8,000 genes, with `adjoint="iterative"` and a solver that '
        "keeps no matrix per condition, starting at the true network: a few epochs in a process of its own, whose peak "
        "memory contains everything. A fit's default start is not part of it. The default solver is shown at a smaller "
        "size, beside the matrix-free one: where it takes exact steps it holds a matrix of regulators x regulators for "
        "every condition that is left. The time of 1,000 epochs is multiplied up, not measured."
    ),
    run=run,
)
