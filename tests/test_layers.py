"""The floors of the house: every import points downwards, lazy imports and imports for types included."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
FLOORS = {"physics": 1, "fitting": 2, "encoders": 3, "probes": 3, "predictors": 4, "models": 5}
FACES = ("datasets", "get", "metrics", "pl", "pp", "tl")
FLOORS |= dict.fromkeys(FACES, 6)
# The roof: whoever writes no Python comes in from above.
FLOORS |= {"cli": 7, "__main__": 8}
GROUND = 0
LAZY = {"dask", "decoupler", "matplotlib", "mudata", "scanpy", "scvi", "seaborn", "sklearn"}
PHYSICS_MAY_USE = {"torch", "numpy", "scclamp"} | sys.stdlib_module_names
FILES = sorted((SRC / "scclamp").rglob("*.py"))
NAMES = [str(path.relative_to(SRC)) for path in FILES]


def imports_of(tree: ast.AST, module: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every module that a file names in an import, wherever the import stands, as parts of its dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = module[: len(module) - node.level] if node.level else ()
            base = (*start, *(node.module or "").split(".")) if node.module else start
            # `from scclamp import tl` names a submodule, `from scclamp.physics import Hill` an object.
            yield from ((*base, alias.name) for alias in node.names)


def package_of(parts: tuple[str, ...]) -> str | None:
    """The room of a module of ours; None for the ground, where single files stand."""
    return parts[1] if len(parts) > 1 and parts[1] in FLOORS else None


def violations(path: Path, source: str) -> Iterator[str]:
    module = path.relative_to(SRC).with_suffix("").parts
    here = package_of(module)
    for target in imports_of(ast.parse(source), module):
        name = ".".join(target)
        if here == "physics" and target[0] not in PHYSICS_MAY_USE:
            yield f"physics is pure torch and imports {name}"
        if target[0] != "scclamp":
            continue
        there = package_of(target)
        if target == ("scclamp",) or (there is None and not is_ground_file(target)):
            yield f"{name} is the package itself; import the file that is meant"
        elif here == "physics" and there != "physics" and target[1] != "_errors":
            yield f"physics may use nothing of ours but _errors and imports {name}"
        elif FLOORS.get(there, GROUND) > FLOORS.get(here, GROUND):
            yield f"{name} is on a floor above"
        elif there != here and there not in FACES and FLOORS.get(there, GROUND) == FLOORS.get(here, GROUND):
            yield f"{name} is another room of the same floor"


def is_ground_file(target: tuple[str, ...]) -> bool:
    return len(target) > 1 and (SRC / "scclamp" / f"{target[1]}.py").is_file()


@pytest.mark.parametrize("path", [p for p in FILES if p != SRC / "scclamp/__init__.py"], ids=str)
def test_imports_point_downwards(path):
    assert list(violations(path, path.read_text())) == []


@pytest.mark.parametrize(
    ("file", "source", "message"),
    [
        ("physics/x.py", "import anndata", "pure torch"),
        ("physics/x.py", "def f():\n    from scclamp._settings import settings", "but _errors"),
        ("fitting/x.py", "def f():\n    from scclamp.tl._fit import fit", "floor above"),
        ("fitting/x.py", "from scclamp import encoders", "floor above"),
        ("encoders/x.py", "from ..tl import fit", "floor above"),
        ("_keys.py", "if TYPE_CHECKING:\n    import scclamp.physics.network", "floor above"),
        ("probes/x.py", "from scclamp.encoders import Identity", "same floor"),
        ("tl/x.py", "import scclamp", "package itself"),
        ("tl/x.py", "from scclamp import settings", "package itself"),
        ("tl/x.py", "from scclamp.cli import main", "floor above"),
        ("cli/x.py", "import scclamp.__main__", "floor above"),
    ],
)
def test_violation_is_seen(file, source, message):
    (found,) = violations(SRC / "scclamp" / file, source)
    assert message in found


@pytest.mark.parametrize(
    "source", ["from ..physics import Hill", "from scclamp._errors import InputError", "import torch"]
)
def test_downward_import_is_allowed(source):
    assert not list(violations(SRC / "scclamp/fitting/x.py", source))


def test_faces_do_not_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for path in FILES:
        module = path.relative_to(SRC).with_suffix("").parts
        if (here := package_of(module)) in FACES:
            targets = {package_of(t) for t in imports_of(ast.parse(path.read_text()), module) if t[0] == "scclamp"}
            graph.setdefault(here, set()).update(targets.intersection(FACES) - {here})
    assert set(TopologicalSorter(graph).static_order()) >= set(graph)


def test_every_folder_has_a_floor():
    folders = {p.name for p in (SRC / "scclamp").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders <= set(FLOORS)


def executed_on_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the file is imported: not those in functions, nor those for type checkers."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from executed_on_import(getattr(node, field, []))


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_heavy_packages_are_imported_where_they_are_used(path):
    module = path.relative_to(SRC).with_suffix("").parts
    nodes = [
        n for n in executed_on_import(ast.parse(path.read_text()).body) if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    roots = {target[0] for node in nodes for target in imports_of(node, module)}
    assert not roots & LAZY


@pytest.mark.parametrize("face", [face for face in (*FACES, "cli") if (SRC / "scclamp" / face).is_dir()])
def test_face_only_reexports_one_function_per_file(face):
    tree = ast.parse((SRC / "scclamp" / face / "__init__.py").read_text())
    origin = {a.asname or a.name: n.module for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    origin.pop("annotations", None)
    others = [n for n in tree.body if not isinstance(n, ast.ImportFrom)]
    assert [type(n) for n in others] in ([ast.Expr, ast.Assign], [ast.Expr, ast.AnnAssign]), (
        "docstring and __all__ only"
    )
    exported = ast.literal_eval(others[1].value)
    assert exported == sorted(origin, key=lambda name: (name.islower(), name))
    functions = {name: module for name, module in origin.items() if name[0].islower()}
    assert functions == {name: f"scclamp.{face}._{name}" for name in functions}


@pytest.mark.parametrize("package", sorted({p.parent for p in FILES}), ids=lambda p: p.name)
def test_no_name_hides_a_file_of_its_package(package):
    """`package.denoise` would be the function or the module, by what was imported last."""
    tree = ast.parse((package / "__init__.py").read_text())
    given = {a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert given.isdisjoint(p.stem for p in package.glob("*.py"))
