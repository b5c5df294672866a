"""Refuses what would not fit into memory before anything is computed."""

from __future__ import annotations

from scclamp._errors import InputError
from scclamp._settings import settings

GIGABYTE = 1e9


def require_memory(n_bytes: float, what: str, remedy: str) -> None:
    """Raise an `InputError` with the estimate and a remedy when arrays would exceed `settings.max_memory`.

    Parameters
    ----------
    n_bytes
        Size of the arrays.
    what
        What they are, as the start of a sentence.
    remedy
        What to do instead of raising the limit.
    """
    if n_bytes > settings.max_memory * GIGABYTE:
        raise InputError(
            f"{what} would take {n_bytes / GIGABYTE:.3g} GB, but settings.max_memory={settings.max_memory:g} GB. "
            f"{remedy}, or raise scclamp.settings.max_memory."
        )
