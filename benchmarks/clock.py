"""Time and memory: medians of interleaved repeats, and peaks of processes of their own."""

from __future__ import annotations

import importlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def medians(calls: Mapping[str, Callable[[], object]], repeats: int, *, warm_up: bool = True) -> dict[str, float]:
    """Median wall time of each call, taken in turns so that a busy moment of the machine hits all of them."""
    if warm_up:
        for call in calls.values():
            call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            times[name].append(seconds(call))
    return {name: statistics.median(values) for name, values in times.items()}


def peak_gb() -> float:
    """Largest resident memory of this process so far, in GB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike ru_maxrss, this does not start at the peak of the process that started this one.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e9
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def in_child(function: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """Run a function of a module in a fresh process; its figures, with `peak_gb` added."""
    name = f"{function.__module__}:{function.__name__}"
    command = [sys.executable, "-m", "benchmarks.clock", name, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _child(name: str, arguments: str) -> None:
    module, function = name.split(":")
    result = getattr(importlib.import_module(module), function)(**json.loads(arguments))
    print(json.dumps(result | {"peak_gb": peak_gb()}))


if __name__ == "__main__":
    _child(*sys.argv[1:])
