"""scclamp: one regulatory network from a Perturb-seq screen, where each perturbation is a clamp."""

from __future__ import annotations

import logging
from importlib import import_module, metadata
from typing import TYPE_CHECKING

from scclamp._settings import settings

if TYPE_CHECKING:
    from scclamp import datasets, encoders, errors, fitting, get, metrics, physics, pl, pp, predictors, probes, tl
    from scclamp._files import read, write
    from scclamp.conditions import Conditions

__version__ = metadata.version("scclamp")
__all__ = [
    "Conditions",
    "__version__",
    "datasets",
    "encoders",
    "errors",
    "fitting",
    "get",
    "metrics",
    "physics",
    "pl",
    "pp",
    "predictors",
    "probes",
    "read",
    "settings",
    "tl",
    "write",
]

_LAZY_OBJECTS = {"Conditions": "conditions", "read": "_files", "write": "_files"}
_LAZY_MODULES = frozenset(__all__) - {"__version__", "settings", *_LAZY_OBJECTS}

logging.getLogger("scclamp").addHandler(logging.NullHandler())


def __getattr__(name: str) -> object:
    """Import what is asked for when it is first asked for, so that `import scclamp` stays light."""
    if name in _LAZY_MODULES:
        return import_module(f"scclamp.{name}")
    if name in _LAZY_OBJECTS:
        return getattr(import_module(f"scclamp.{_LAZY_OBJECTS[name]}"), name)
    msg = f"module 'scclamp' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
