"""The benchmarks can be listed, rendered and chosen; none of them is timed here."""

from __future__ import annotations

import importlib
import json
import sys
from types import ModuleType

import pytest


@pytest.fixture
def benchmarks(root, monkeypatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(root))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return {name: importlib.import_module(f"benchmarks.{name}") for name in ("record", "registry", "render")}


@pytest.fixture
def stored(benchmarks) -> dict:
    record = benchmarks["record"]
    found = record.Outcome(
        checks=[
            record.Check("time", 3.14159, "s", at_most=3.0),
            record.Check("ratio", 1234.5, "x", at_least=1000),
            record.Check("broken", float("nan"), at_most=1.0),
            record.Check("aside", 2e-12),
        ],
        tables=[record.Table("A caption.", [{"a": 1, "b": "x"}, {"a": 12345, "b": 0.5}])],
    )
    plain = {"checks": [vars(c) for c in found.checks], "tables": [vars(t) for t in found.tables]}
    return json.loads(json.dumps(plain)) | {"scale": "normal", "seconds": 7.0, "machine": {"cpu": "any", "cores": 2}}


def test_every_benchmark_declares_itself(benchmarks, root):
    records = benchmarks["registry"].BENCHMARKS
    names = [b.name for b in records]
    assert len(set(names)) == len(names)
    for b in records:
        assert b.run.__module__ == f"benchmarks.{b.name}"
        assert (root / "benchmarks" / f"{b.name}.py").exists()
        assert b.title
        assert len(b.about) > 50


def test_a_section_shows_targets_figures_and_verdicts(benchmarks, stored):
    first = benchmarks["registry"].BENCHMARKS[0]
    lines = benchmarks["render"].section(first, stored).splitlines()
    assert lines[0] == f"## {first.title}"
    assert "| time | <= 3 s | 3.14 s | **no** |" in lines
    assert "| ratio | >= 1000 x | 1,234 x | yes |" in lines
    assert "| broken | <= 1 | nan | **no** |" in lines
    assert "| aside | - | 2.0e-12 | - |" in lines
    assert "| 12,345 | 0.5 |" in lines


def test_the_document_lists_promises_first_and_leaves_out_what_did_not_run(benchmarks, stored):
    records = benchmarks["registry"].BENCHMARKS
    text = benchmarks["render"].document(records, {records[1].name: stored})
    targets, section = text.split(f"## {records[1].title}")
    assert targets.count("\n| ") == 5  # the heading, its rule, three promises
    assert "aside" not in targets
    assert "aside" in section
    assert records[0].title not in text


def test_only_the_part_between_the_markers_is_replaced(benchmarks, root):
    render = benchmarks["render"]
    page = (root / "benchmarks" / "RESULTS.md").read_text()
    once = render.insert(page, "new")
    assert render.insert(once, "new") == once
    assert once.startswith(page.split(render.BEGIN)[0])
    assert f"{render.BEGIN}\n\nnew\n\n{render.END}" in once


def test_rows_of_different_columns_are_no_table(benchmarks):
    with pytest.raises(ValueError, match="same columns"):
        benchmarks["render"].table([{"a": 1}, {"b": 2}])
