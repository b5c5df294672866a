"""What importing costs."""

from __future__ import annotations

import statistics
import subprocess
import sys

from benchmarks.record import Benchmark, Check, Outcome, Scale, Table

STATEMENTS = {
    "import anndata, torch": "import anndata, torch",
    "import scclamp": "import scclamp",
    "import scclamp; scclamp.tl": "import scclamp; scclamp.tl",
}
TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def once(statement: str) -> float:
    """Seconds in a fresh interpreter, its own start left out."""
    command = [sys.executable, "-c", TIMED.format(statement)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)


def run(scale: Scale) -> Outcome:
    repeats = 1 if scale == Scale.QUICK else 5
    for statement in STATEMENTS.values():
        once(statement)
    rounds = [{name: once(statement) for name, statement in STATEMENTS.items()} for _ in range(repeats)]
    times = {name: statistics.median(r[name] for r in rounds) for name in STATEMENTS}
    base = times["import anndata, torch"]
    checks = [
        Check(f"`{name}` over `import anndata, torch`", times[name] / base, "x", at_most=1.5)
        for name in STATEMENTS
        if name.startswith("import scclamp")
    ]
    rows = [{"statement": f"`{name}`", "s": t} for name, t in times.items()]
    return Outcome(checks, [Table("Medians of fresh processes, in turns, files cached.", rows)])


BENCHMARK = Benchmark(
    name="imports",
    title="Import time",
    about=(
        "Seconds until the statement returns in a fresh interpreter; five rounds in turns, after one that fills "
        "the cache."
    ),
    run=run,
)
