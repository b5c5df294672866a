"""Thousands of regulators with the matrix-free adjoint."""

from __future__ import annotations

import statistics

from benchmarks.clock import in_child, seconds
from benchmarks.problem import make_screen
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table

WIDE = {"n_genes": 8000, "n_regulators": 2000, "n_conditions": 2001}
SMALL = {"n_genes": 800, "n_regulators": 200, "n_conditions": 201}


def epochs(size: dict[str, int], n: int) -> dict[str, float]:
    """Seconds per epoch after the first, which is cold."""
    trainer = make_screen(**size).trainer_at_truth(adjoint="iterative")
    first = seconds(trainer.step)
    later = statistics.median(seconds(trainer.step) for _ in range(n))
    return {"first": first, "later": later, "steps": trainer.history["steps"][-1][0]}


def run(scale: Scale) -> Outcome:
    size = SMALL if scale == Scale.QUICK else WIDE
    found = in_child(epochs, size=size, n=3)
    label = f"{size['n_regulators']:,} regulators, {size['n_genes']:,} genes, {size['n_conditions']:,} conditions"
    checks = [
        Check(f"{label}: peak memory of the process", found["peak_gb"], "GB", at_most=12),
        Check("the same: one warm epoch", found["later"], "s"),
        Check("the same: 1000 epochs, extrapolated from that epoch", found["later"] * 1000 / 3600, "h"),
    ]
    row = {"first epoch, s": found["first"], "later epochs, s": found["later"], "solver steps": found["steps"]}
    return Outcome(checks, [Table("In a process of its own.", [row])])


BENCHMARK = Benchmark(
    name="wide",
    title="Thousands of regulators",
    about=(
        'A screen of 2,000 regulators on 8,000 genes with `adjoint="iterative"`, standing at the true network: a '
        "few epochs in a process of its own, whose peak memory contains everything. The time of 1,000 epochs is "
        "multiplied up, not measured."
    ),
    run=run,
)
