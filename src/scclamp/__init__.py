"""scclamp: one regulatory network from a Perturb-seq screen, where each perturbation is a clamp."""

from __future__ import annotations

import logging
from importlib import import_module, metadata
from typing import TYPE_CHECKING

from scclamp._settings import settings

if TYPE_CHECKING:
    from types import ModuleType

    from scclamp import datasets, encoders, get, metrics, physics, pl, pp, tl

__version__ = metadata.version("scclamp")
__all__ = ["__version__", "datasets", "encoders", "get", "metrics", "physics", "pl", "pp", "settings", "tl"]

_LAZY = frozenset(__all__) - {"__version__", "settings"}

logging.getLogger("scclamp").addHandler(logging.NullHandler())


def __getattr__(name: str) -> ModuleType:
    """Import a submodule when it is first asked for, so that `import scclamp` stays light."""
    if name in _LAZY:
        return import_module(f"scclamp.{name}")
    msg = f"module 'scclamp' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
