"""Tests mirror the source: whoever changes a file knows where its tests stand."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SRC = TESTS.parent / "src" / "scclamp"
SMALL = 40
"""Lines below which a file may be tested through those that use it."""
CROSS_CUTTING = {
    "encoders/test_trained.py": "small trained models, through all that takes an encoder",
    "metrics/test_cell_eval.py": "many metrics against another implementation",
    "physics/test_cuda.py": "the same on another device",
    "pl/test_images.py": "fixtures of the tests",
    "test_benchmarks.py": "benchmarks",
    "test_conftest.py": "fixtures of the tests",
    "test_docs.py": "docs/howto",
    "test_fuzz.py": "requests drawn at random, through all of prediction",
    "test_import.py": "the package as a whole",
    "test_layers.py": "the package as a whole",
    "test_mirror.py": "the tests as a whole",
    "test_papalexi.py": "a real screen, through all of fit and prediction",
    "test_public_api.py": "the package as a whole",
    "test_readme.py": "README.md",
    "test_tutorials.py": "docs/tutorials",
    "tl/test_attractors.py": "fit and prediction together",
}
# Rooms of one function, whose tests call that function. Better is a file of their own: this list may only get shorter.
TESTED_THROUGH = {
    "tl/_benchmark_cells.py": "tl/test_benchmark.py",
    "tl/_benchmark_predictors.py": "tl/test_benchmark.py",
    "tl/_evaluation_text.py": "tl/test_evaluate.py",
    "tl/_judged.py": "tl/test_evaluate.py",
}


def mirror_of(module: str) -> str:
    """Where the tests of a module stand: `physics/solvers.py` has `physics/test_solvers.py`, `_keys.py` `test_keys.py`."""
    path = Path(module)
    return (path.parent / f"test_{path.name.removeprefix('_')}").as_posix()


MODULES = sorted(p.relative_to(SRC).as_posix() for p in SRC.rglob("*.py") if p.name != "__init__.py")
FOUND = sorted(p.relative_to(TESTS).as_posix() for p in TESTS.rglob("test_*.py") if p.parent.name != "stress")


@pytest.mark.parametrize("found", FOUND)
def test_every_test_file_has_its_module(found):
    mirrored = found in {mirror_of(module) for module in MODULES}
    assert mirrored != (found in CROSS_CUTTING), "it mirrors no file of src, or is listed without need"


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_test_file(module):
    if module in TESTED_THROUGH:
        assert TESTED_THROUGH[module] in FOUND
        assert mirror_of(module) not in FOUND, "it has tests of its own now: take it off the list"
    elif len((SRC / module).read_text().splitlines()) > SMALL:
        assert mirror_of(module) in FOUND


def test_lists_name_what_is_there():
    assert set(CROSS_CUTTING) <= set(FOUND)
    assert set(TESTED_THROUGH) <= set(MODULES)
