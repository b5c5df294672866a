"""Five seeds side by side against one."""

from __future__ import annotations

from benchmarks.clock import medians
from benchmarks.norman_fit import CONFIGS, SMALL
from benchmarks.problem import NORMAN, make_screen
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table
from scclamp.fitting import FitConfig


def run(scale: Scale) -> Outcome:
    quick = scale == Scale.QUICK
    size, epochs, repeats = (SMALL, 20, 1) if quick else (NORMAN, 200, 3)
    screen = make_screen(**size)

    def fit(config: FitConfig, n_members: int) -> None:
        screen.trainer(config.replace(max_epochs=epochs, patience=epochs + 1), n_members).run()

    rows, checks = [], []
    for name, config in CONFIGS.items():
        calls = {n: (lambda n=n, c=config: fit(c, n)) for n in (1, 5)}
        times = medians({str(n): call for n, call in calls.items()}, repeats, warm_up=False)
        ratio = times["5"] / times["1"]
        rows.append({"configuration": name, "1 seed, s": times["1"], "5 seeds, s": times["5"], "ratio": ratio})
        target = 2.5 if name == "default" else None
        checks.append(Check(f"5 seeds over 1 seed, {name} configuration", ratio, "x", at_most=target))
    return Outcome(checks, [Table(f"{epochs} epochs, start included.", rows)])


BENCHMARK = Benchmark(
    name="ensemble",
    title="Five seeds side by side",
    about=(
        "Five members fitted in one batch against one member alone, on the screen above. Five separate fits would "
        "be 5 x."
    ),
    run=run,
)
