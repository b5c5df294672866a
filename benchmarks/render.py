"""From figures to Markdown: one table of promises, then a section per benchmark."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks import machine
from benchmarks.record import Benchmark, Check, Table

BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"


def figure(value: object) -> str:
    """Three significant digits, and words as they are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or (abs(value) >= 1000 and value == value):
        return f"{value:,.0f}"
    return f"{value:.1e}" if 0 < abs(value) < 1e-3 else f"{value:.3g}"


def table(rows: Iterable[dict[str, object]]) -> str:
    """A Markdown table with the columns of the first row."""
    rows = list(rows)
    columns = list(rows[0])
    if any(list(row) != columns for row in rows):
        raise ValueError(f"rows of one table must have the same columns, {columns}")
    body = [[figure(row[c]) for c in columns] for row in rows]
    lines = [columns, ["---"] * len(columns), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def check_row(check: Check) -> dict[str, object]:
    """A promise as a row."""
    measured = f"{figure(check.measured)} {check.unit}".strip()
    return {"promise": check.promise, "target": check.target, "measured": measured, "met": check.met}


def section(benchmark: Benchmark, stored: dict) -> str:
    """Everything that one benchmark found."""
    parts = [f"## {benchmark.title}", benchmark.about]
    if stored["checks"]:
        parts.append(table(check_row(Check(**c)) for c in stored["checks"]))
    for t in (Table(**t) for t in stored["tables"]):
        parts += [t.caption, table(t.rows)]
    where = f"`python -m benchmarks {benchmark.name}`, {stored['seconds']:.0f} s in all, scale {stored['scale']}"
    parts.append(f"*{where}: {machine.line(stored['machine'])}.*")
    return "\n\n".join(parts)


def document(benchmarks: Iterable[Benchmark], results: dict[str, dict]) -> str:
    """The generated part of RESULTS.md: the promises with a target first, then every section."""
    run = [b for b in benchmarks if b.name in results]
    checks = [Check(**c) for b in run for c in results[b.name]["checks"]]
    promised = [check_row(c) for c in checks if c.target != "-"]
    parts = ["## Targets", table(promised)] if promised else []
    return "\n\n".join([*parts, *(section(b, results[b.name]) for b in run)])


def insert(text: str, generated: str) -> str:
    """Replace what stands between the markers."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{generated}\n\n{END}{after}"
