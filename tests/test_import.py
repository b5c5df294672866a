"""Importing scclamp changes nothing in the process of the user."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import scclamp

OURS = """
import importlib, pkgutil, scclamp
for found in pkgutil.walk_packages(scclamp.__path__, "scclamp."):
    importlib.import_module(found.name)
"""
STATE = """
import json, locale, logging, os, random, signal, sys, warnings
import anndata, numpy as np, torch

def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise RuntimeError(f"{event} while importing")

def state():
    root = logging.getLogger()
    return {
        "warnings": repr(warnings.filters),
        "showwarning": repr(warnings.showwarning),
        "logging": repr((root.level, root.handlers, root.filters, logging.root.manager.disable, logging.lastResort)),
        "numpy errors": repr(np.geterr()),
        "numpy print": repr(np.get_printoptions()),
        "random": repr((random.getstate(), np.random.get_state(), torch.random.get_rng_state().tolist())),
        "threads": repr((torch.get_num_threads(), torch.get_num_interop_threads())),
        "torch": repr((torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_float32_matmul_precision(),
                       torch.are_deterministic_algorithms_enabled())),
        "environment": repr(sorted(os.environ.items())),
        "process": repr((os.getcwd(), locale.setlocale(locale.LC_ALL), sys.path, sys.excepthook,
                         signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))),
    }

sys.addaudithook(refuse)
modules, before = set(sys.modules), state()
"""
REPORT = """
after = state()
print(json.dumps({"changed": [k for k in before if before[k] != after[k]],
                  "modules": sorted({m.partition(".")[0] for m in set(sys.modules) - modules})}))
"""


def run(code: str) -> str:
    """Run code in a fresh interpreter that knows neither the environment's options nor this process."""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_import_has_no_side_effects():
    report = json.loads(run(STATE + OURS + REPORT))
    assert report["changed"] == []
    assert {"dask", "decoupler", "matplotlib", "mudata", "scanpy", "scvi", "sklearn"}.isdisjoint(report["modules"])


@pytest.mark.parametrize(
    ("effect", "name"),
    [
        ("warnings.simplefilter('ignore')", "warnings"),
        ("logging.basicConfig()", "logging"),
        ("np.random.seed(1)", "random"),
        ("torch.set_num_threads(torch.get_num_threads() + 1)", "threads"),
    ],
)
@pytest.mark.stress
def test_side_effect_is_seen(effect, name):
    assert json.loads(run(f"{STATE}\n{effect}\n{REPORT}"))["changed"] == [name]


def test_import_is_light():
    loaded = run("import sys, scclamp; print(*{m.partition('.')[0] for m in sys.modules})").split()
    assert {"torch", "anndata", "numpy", "pandas", "scipy"}.isdisjoint(loaded)


def test_submodules_come_with_the_first_use():
    out = run("import sys, scclamp as s; print('torch' in sys.modules, s.physics.__name__, 'torch' in sys.modules)")
    assert out.split() == ["False", "scclamp.physics", "True"]


def test_every_advertised_name_exists():
    assert set(dir(scclamp)) == set(scclamp.__all__)
    assert all(getattr(scclamp, name) is not None for name in scclamp.__all__)


def test_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = scclamp.nothing
