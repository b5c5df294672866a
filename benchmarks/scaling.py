"""How the cost of an epoch grows with conditions, genes and regulators."""

from __future__ import annotations

import statistics

import numpy as np

from benchmarks.clock import seconds
from benchmarks.problem import NORMAN, make_screen
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table

SWEEPS: dict[str, tuple[int, ...]] = {
    "n_conditions": (26, 52, 103, 206),
    "n_genes": (1000, 2000, 4000, 8000),
    "n_regulators": (25, 51, 102, 204, 408),
}
WORDS = {"n_conditions": "conditions", "n_genes": "genes", "n_regulators": "regulators"}
LIMITS = {"n_conditions": 1.15, "n_genes": 1.15, "n_regulators": 3.0}
"""Linear with some room for timing, and at most cubic."""
WARM_UP = 5


def epoch_ms(size: dict[str, int], epochs: int) -> float:
    """Median time of an epoch at the true network."""
    trainer = make_screen(**size).trainer_at_truth()
    for _ in range(WARM_UP):
        trainer.step()
    return 1e3 * statistics.median(seconds(trainer.step) for _ in range(epochs))


def run(scale: Scale) -> Outcome:
    quick = scale == Scale.QUICK
    base = {"n_genes": 400, "n_regulators": 20, "n_conditions": 21} if quick else NORMAN
    epochs = 5 if quick else 40
    checks, tables = [], []
    for name, sizes in SWEEPS.items():
        sizes = tuple(n // 5 for n in sizes) if quick else sizes
        times = [epoch_ms(base | {name: n}, epochs) for n in sizes]
        slopes = np.diff(np.log(times)) / np.diff(np.log(sizes))
        exponent = float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
        checks.append(Check(f"exponent of cost in {WORDS[name]}", exponent, at_most=LIMITS[name]))
        checks.append(Check("the same, between the two largest sizes", float(slopes[-1])))
        steps = [float("nan"), *slopes.tolist()]
        rows = [
            {WORDS[name]: n, "ms per epoch": t, "local exponent": "-" if np.isnan(s) else s}
            for n, t, s in zip(sizes, times, steps, strict=True)
        ]
        fixed = ", ".join(f"{v:,} {WORDS[k]}" for k, v in base.items() if k != name)
        tables.append(Table(f"Growing {WORDS[name]}, with {fixed}.", rows))
    return Outcome(checks, tables)


BENCHMARK = Benchmark(
    name="scaling",
    title="Growth of the cost",
    about=(
        "Median time of an epoch of the default configuration while one size grows and the others stay at "
        "Norman's; fits stand at the true network, so that the linearised core has the same spectrum at every "
        "size. The exponent is the slope of log time on log size over the whole sweep; small sizes are flat, since "
        "an epoch costs a few milliseconds whatever its size, so the exponent between the two largest is shown "
        "too. A real screen has as many conditions as regulators: its cost grows with both."
    ),
    run=run,
)
