"""Fixtures that every test may ask for."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]

hypothesis.settings.register_profile("default", deadline=None)
# One and the same commit must not pass and fail by chance where nobody can replay it.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(scope="session")
def root() -> Path:
    """Root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data, from SCCLAMP_TEST_DATA or beside the repository; without it the test is skipped."""
    folder = Path(os.environ.get("SCCLAMP_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is no folder (set SCCLAMP_TEST_DATA)")
    return folder


@pytest.fixture
def float64() -> Iterator[None]:
    """Make float64 torch's default type for the length of the test."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def _global_rng() -> dict[str, object]:
    import torch

    kind, key, *rest = np.random.get_state()  # noqa: NPY002
    return {
        "random": random.getstate(),
        "numpy": (kind, key.tobytes(), *rest),
        "torch": torch.random.get_rng_state().numpy().tobytes(),
    }


@contextmanager
def _untouched_rng() -> Iterator[None]:
    before = _global_rng()
    yield
    after = _global_rng()
    changed = [name for name in before if before[name] != after[name]]
    assert not changed, f"the global random state changed: {', '.join(changed)}"


@pytest.fixture
def untouched_rng() -> Callable[[], AbstractContextManager[None]]:
    """Asked for, it fails a test that moves the global random state; called, it guards a `with` block."""
    return _untouched_rng


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Check the random state around the body of a test, where pytest-randomly does not reseed any more."""
    if "untouched_rng" not in pyfuncitem.fixturenames:
        return (yield)
    with _untouched_rng():
        return (yield)
