"""A fit of the size of Norman 2019, whole and per epoch, beside the dense G x G implementation."""

from __future__ import annotations

import statistics
import time

import torch

from benchmarks.clock import seconds
from benchmarks.dense_oracle import DenseHill
from benchmarks.problem import NORMAN, Screen, make_screen
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table
from scclamp.fitting import FitConfig, Trainer

SMALL = {"n_genes": 300, "n_regulators": 20, "n_conditions": 21}
CONFIGS = {"default": FitConfig(), "paper": FitConfig.paper()}


def run(scale: Scale) -> Outcome:
    quick = scale == Scale.QUICK
    size, epochs, repeats = (SMALL, 30, 1) if quick else (NORMAN, 1000, 5)
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    fits = {}
    for device in devices:
        screen = make_screen(**size, device=device)
        fits |= {(name, device): fit(screen, config, epochs, repeats) for name, config in CONFIGS.items()}
    dense = dense_epoch(make_screen(**size), fits["paper", "cpu"]["solver steps per epoch"], 2 if quick else 3)
    ours = fits["default", "cpu"]
    checks = [
        Check(f"{epochs} epochs, default configuration, CPU", ours["seconds"], "s", at_most=12),
        Check(f"the same, best of {repeats}", ours["best, s"], "s"),
        Check(f"{epochs} epochs, paper's configuration, CPU", fits["paper", "cpu"]["seconds"], "s"),
        Check(
            "one epoch, dense G x G over ours (default)",
            dense["ms per epoch"] / ours["ms per epoch"],
            "x",
            at_least=1000,
        ),
    ]
    checks += [
        Check(f"{epochs} epochs, {name} configuration, GPU", f["seconds"], "s")
        for (name, d), f in fits.items()
        if d == "cuda"
    ]
    rows = [{"configuration": name, "device": device} | f for (name, device), f in fits.items()]
    return Outcome(checks, [Table("Whole fits (start included, nothing else running).", rows), dense_table(dense)])


def fit(screen: Screen, config: FitConfig, epochs: int, repeats: int) -> dict[str, float]:
    """Median seconds of a whole fit that never stops early, of its start, and of an epoch."""
    config = config.replace(max_epochs=epochs, patience=epochs + 1)
    whole, starts = [], []
    for _ in range(repeats):
        begin = time.perf_counter()
        trainer = screen.trainer(config)
        starts.append(time.perf_counter() - begin)
        trainer.run()
        whole.append(time.perf_counter() - begin)
    return {
        "seconds": statistics.median(whole),
        "best, s": min(whole),
        "start, s": statistics.median(starts),
        "ms per epoch": 1e3 * (statistics.median(whole) - statistics.median(starts)) / epochs,
        "solver steps per epoch": steps(trainer),
        "first loss": trainer.history["loss"][0][0],
        "last loss": trainer.history["loss"][-1][0],
    }


def steps(trainer: Trainer) -> float:
    """Median over epochs of the forward solver's steps."""
    return statistics.median(row[0] for row in trainer.history["steps"])


def dense_epoch(screen: Screen, n_steps: float, n_solved: int) -> dict[str, float]:
    """One epoch of the G x G implementation in our precision; its solves are timed for a few conditions and scaled."""
    network, problem = screen.truth, screen.problem
    oracle = DenseHill.from_columns(network.A, network.rows, network.b, 1.0, 2.0, 1.0, dtype=torch.float32)
    mask, values = (torch.zeros(len(t), len(network.b), dtype=t.dtype) for t in (problem.mask, problem.values))
    mask[:, network.rows], values[:, network.rows] = problem.mask, problem.values
    x = oracle.forward(mask, values)
    v = 2 * (x - problem.train)
    some = slice(1, 1 + n_solved)
    forward = seconds(lambda: oracle.forward(mask, values, tol=0.0, max_steps=max(1, round(n_steps))))
    backward = seconds(lambda: oracle.backward(x[some], mask[some], v[some]))
    n = len(mask)
    return {
        "ms per epoch": 1e3 * (forward + backward * n / n_solved),
        "forward, all conditions, s": forward,
        "backward, one condition, s": backward / n_solved,
        "conditions": n,
        "solved": n_solved,
    }


def dense_table(dense: dict[str, float]) -> Table:
    return Table(
        f"Dense G x G, float32: the forward of all conditions is timed with as many damped steps as the paper's "
        f"configuration took above, the backward of {dense['solved']} conditions and multiplied up to "
        f"{dense['conditions']}.",
        [{k: v for k, v in dense.items() if k != "solved"}],
    )


BENCHMARK = Benchmark(
    name="norman_fit",
    title="A fit of the size of Norman 2019",
    about=(
        "2,553 genes, 102 regulators, control and all singles (103 conditions), identity encoder, 1,000 epochs "
        "without early stopping, on means of a random stable network with the noise of some 200 cells. The median "
        "of five fits, the closed-form start included. The dense peer is the published algorithm taken literally "
        "(`dense_oracle.py`): it iterates all genes and solves one G x G system per condition; no optimiser step "
        "is charged to it."
    ),
    run=run,
)
