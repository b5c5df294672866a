"""The shape of the public functions: what a user of scanpy expects without reading."""

from __future__ import annotations

import importlib
import importlib.resources
import inspect
import re
from collections.abc import Callable

import pytest

FACES = ("pp", "tl", "pl", "get", "datasets", "metrics", "cli")
ON_ANNDATA = ("pp", "tl", "pl", "get")
KINDS = inspect.Parameter
POSITIONAL = (KINDS.POSITIONAL_ONLY, KINDS.POSITIONAL_OR_KEYWORD)


def functions(faces: tuple[str, ...]) -> list[object]:
    found = []
    for face in faces:
        module = importlib.import_module(f"scclamp.{face}")
        objects = {name: getattr(module, name) for name in module.__all__}
        found += [pytest.param(o, id=f"{face}.{name}") for name, o in objects.items() if inspect.isfunction(o)]
    return found


def sections(docstring: str) -> dict[str, str]:
    """The text of a numpydoc docstring by the title of its section."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.cleandoc(docstring), flags=re.MULTILINE)
    return {"Summary": parts[0].strip()} | dict(zip(parts[1::2], parts[2::2], strict=True))


def test_types_are_for_users_too():
    """Without this file, type checkers take the package for untyped."""
    assert importlib.resources.files("scclamp").joinpath("py.typed").is_file()


def test_sections_are_split():
    found = sections(
        "Do it.\n\n    Parameters\n    ----------\n    a\n        First.\n\n    Returns\n    -------\n    Something.\n"
    )
    assert found == {"Summary": "Do it.", "Parameters": "a\n    First.\n\n", "Returns": "Something."}


@pytest.mark.parametrize("face", [*FACES, "encoders", "errors", "predictors", "probes"])
def test_all_is_sorted_and_true(face):
    module = importlib.import_module(f"scclamp.{face}")
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(not name.startswith("_") and hasattr(module, name) for name in module.__all__)
    assert not hasattr(module, "annotations") or face == "cli", "completion shows it among the functions"


@pytest.mark.parametrize("function", functions(ON_ANNDATA))
def test_adata_comes_first(function: Callable[..., object]):
    # What `tl.benchmark` returns is about splits of a screen and stands in no AnnData.
    first = "table" if (function.__module__, function.__name__) == ("scclamp.pl._benchmark", "benchmark") else "adata"
    assert next(iter(inspect.signature(function).parameters)) == first


@pytest.mark.parametrize("function", functions(FACES))
def test_options_are_keyword_only(function: Callable[..., object]):
    parameters = inspect.signature(function).parameters.values()
    assert sum(p.kind in POSITIONAL for p in parameters) <= 2
    assert all(p.kind is KINDS.KEYWORD_ONLY for p in parameters if p.name in {"rng", "copy", "key_added", "ax", "show"})


@pytest.mark.parametrize("function", functions(FACES))
def test_everything_is_annotated(function: Callable[..., object]):
    signature = inspect.signature(function)
    assert signature.return_annotation is not signature.empty
    assert [p.name for p in signature.parameters.values() if p.annotation is p.empty] == []


@pytest.mark.parametrize("function", functions(FACES))
def test_docstring_is_complete(function: Callable[..., object]):
    found = sections(function.__doc__ or "")
    assert found["Summary"].endswith(".")
    assert {"Returns", "Examples"} <= set(found)
    assert ">>> " in found["Examples"]
    documented = re.findall(r"^\*{0,2}(\w[^\n]*)$", found.get("Parameters", ""), flags=re.MULTILINE)
    assert [n for line in documented for n in line.split(", ")] == list(inspect.signature(function).parameters)
