"""The fixtures themselves: a guard that cannot fail guards nothing."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

DRAWS = {
    "random": random.random,
    "numpy": lambda: np.random.rand(),  # noqa: NPY002
    "torch": lambda: torch.rand(()),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draw_from_global_rng_is_caught(name, request):
    guard = request.getfixturevalue("untouched_rng")
    with pytest.raises(AssertionError, match=rf"changed: {name}\b"), guard():
        DRAWS[name]()


@pytest.mark.xfail(raises=AssertionError, strict=True, reason="the guard must catch it")
def test_guard_surrounds_the_whole_test(untouched_rng):
    random.random()


def test_own_generators_pass(untouched_rng):
    np.random.default_rng(0).normal()
    torch.rand((), generator=torch.Generator().manual_seed(0))


@pytest.mark.usefixtures("float64")
def test_float64_is_the_default():
    assert torch.zeros(1).dtype == torch.float64
