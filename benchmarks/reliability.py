"""The bars of reliability: what the tests that guard them measured, long ones included."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from benchmarks.record import Benchmark, Check, Outcome, Scale, Table

ROOT = Path(__file__).parents[1]
QUICK = {
    "gradients against finite differences": (
        "tests/physics/test_solution.py",
        "tests/physics/test_activation.py",
        "tests/physics/test_integration.py",
        "tests/physics/test_neural_drift.py",
        "tests/fitting/test_objective.py",
    ),
    "implicit against unrolled gradients, float64": ("tests/physics/test_adjoint.py",),
    "NaN and infinity at any step": ("tests/physics/test_solvers.py", "tests/fitting/test_trainer.py"),
}
LONG = {
    "no divergence: 3,000 epochs of the default fit": ("tests/stress/test_divergence_stress.py",),
    "a killed writer leaves the old file or the new one": ("tests/stress/test_atomic_stress.py",),
    "a killed fit or benchmark resumes to the same bits": (
        "tests/stress/test_resume_stress.py",
        "tests/stress/test_benchmark_stress.py",
    ),
    "damaged checkpoints and files are found": (
        "tests/stress/test_checkpoint_stress.py",
        "tests/stress/test_storage_stress.py",
    ),
    "500 random screens: a result or a named error": ("tests/test_fuzz.py",),
    "downloads by eight processes at once": ("tests/datasets/test_download.py",),
    "100,000 x 20,000 sparse cells, and all triples, in bounded memory": (
        "tests/test_streaming.py",
        "tests/tl/test_predict_clamps.py",
    ),
    "side effects are seen": ("tests/test_import.py",),
}


@dataclass(frozen=True)
class Case:
    """One test as it went."""

    name: str
    outcome: str
    seconds: float
    figures: dict[str, str]


def run(scale: Scale) -> Outcome:
    groups = {title: measure(files, long=False) for title, files in QUICK.items()}
    if scale != Scale.QUICK:
        groups |= {title: measure(files, long=True) for title, files in LONG.items()}
    rows = [summary(title, cases) for title, cases in groups.items()]
    checks = [Check(f"{row['bar']}: tests that failed", float(row["failed"]), at_most=0) for row in rows]
    figures = [
        {"test": case.name}
        | {"outcome": case.outcome, "measured": ", ".join(f"{k} {v}" for k, v in case.figures.items())}
        for cases in groups.values()
        for case in sorted(cases, key=lambda case: case.name)
        if case.figures
    ]
    return Outcome(checks, [Table("Tests behind each bar.", rows), Table("What they measured.", figures)])


def measure(files: tuple[str, ...], *, long: bool) -> list[Case]:
    """Run the quick or the long tests of some files, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", *files, "-m", "stress" if long else "not stress"]
        done = subprocess.run(
            [*command, f"--junitxml={report}", "-o", "junit_family=xunit1"],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"},
            capture_output=True,
            text=True,
            check=False,
        )
        if not report.exists():
            msg = f"pytest did not run:\n{done.stdout}\n{done.stderr}"
            raise RuntimeError(msg)
        return [read_case(element) for element in ET.parse(report).iter("testcase")]


def read_case(element: ET.Element) -> Case:
    """One `testcase` of a JUnit report."""
    outcome = next((kind for kind in ("failure", "error", "skipped") if element.find(kind) is not None), "passed")
    figures = {p.get("name", ""): short(p.get("value", "")) for p in element.iter("property")}
    return Case(element.get("name", ""), outcome, float(element.get("time", 0)), figures)


def short(value: str) -> str:
    """Three digits of a number; any other text as it is."""
    try:
        return f"{float(value):.3g}"
    except ValueError:
        return value


def summary(title: str, cases: list[Case]) -> dict[str, object]:
    """Counts of one bar."""
    count = [
        sum(case.outcome in kinds for case in cases) for kinds in (("passed",), ("skipped",), ("failure", "error"))
    ]
    names = ("passed", "skipped", "failed")
    return {"bar": title, **dict(zip(names, count, strict=True)), "s": sum(case.seconds for case in cases)}


BENCHMARK = Benchmark(
    name="reliability",
    title="Reliability: the bars and their tests",
    about=(
        "The tests that guard gradients, convergence, files, resumption and memory, run one after another in fresh processes. "
        "`make stress` runs the long ones without this table. A skipped test says why under `pytest -rs`; CUDA tests need a GPU."
    ),
    run=run,
)
