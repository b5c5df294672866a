"""The threads of torch, which are the user's to choose."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def kept_threads() -> Iterator[None]:
    """Leave torch as many threads as it has: the first parallel function of numba gives it every core.

    Packages that run on numba (scanpy, decoupler) belong in this block. More threads than a user asked for slow a
    fit on a machine that is shared, and move its last digits.
    """
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        # Setting has effects of its own, so it is not done without need.
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
