"""`python -m benchmarks`: run, keep the figures in results.json, render RESULTS.md."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

from benchmarks import machine, render
from benchmarks.record import Benchmark, Scale
from benchmarks.registry import BENCHMARKS

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results.json", HERE / "RESULTS.md"


def main(arguments: list[str]) -> None:
    options = _parse(arguments)
    chosen = [b for b in BENCHMARKS if b.name in options.names or not options.names]
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for benchmark in chosen:
        print(f"{benchmark.name} ...", file=sys.stderr, flush=True)
        found = _measure(benchmark, options.scale)
        print(render.section(benchmark, found), end="\n\n", flush=True)
        if options.scale != Scale.QUICK:
            # Kept at once: a later benchmark that fails does not lose this one.
            results[benchmark.name] = found
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            PAGE.write_text(render.insert(PAGE.read_text(), render.document(BENCHMARKS, results)))


def _measure(benchmark: Benchmark, scale: Scale) -> dict:
    start = time.perf_counter()
    outcome = benchmark.run(scale)
    spent = time.perf_counter() - start
    # Through JSON, so that what is printed now and what is rendered later are the same.
    found = dataclasses.asdict(outcome) | {"scale": scale, "seconds": spent, "machine": machine.describe()}
    return json.loads(json.dumps(found))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = [b.name for b in BENCHMARKS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all by default: {', '.join(known)}")
    size = parser.add_mutually_exclusive_group()
    for scale, text in ((Scale.QUICK, "tiny sizes, nothing is kept"), (Scale.FULL, "with the long extras")):
        size.add_argument(f"--{scale}", dest="scale", action="store_const", const=scale, help=text)
    parser.set_defaults(scale=Scale.NORMAL)
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}")
    return options


if __name__ == "__main__":
    main(sys.argv[1:])
