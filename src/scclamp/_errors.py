"""Errors that read like advice: what is wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

PUBLIC = "scclamp.errors"
"""Module that users import them from: tracebacks, pickles and filters of warnings name it."""


class ScclampError(Exception):
    """Base class of every error that scclamp raises on purpose."""

    __module__ = PUBLIC


class InputError(ScclampError, ValueError):
    """An argument or a data set cannot be used as it is; the message names it and the remedy."""

    __module__ = PUBLIC


class NonFiniteError(ScclampError, ArithmeticError):
    """A NaN or an infinity appeared; the message names the quantity and the step."""

    __module__ = PUBLIC


class StorageError(ScclampError, OSError):
    """A file or a stored result is missing, damaged or of another kind than expected."""

    __module__ = PUBLIC


class ConvergenceWarning(UserWarning):
    """Some steady states did not converge or are not stable; the message counts and names them."""

    __module__ = PUBLIC


class InputWarning(UserWarning):
    """Something in the input was left out or mapped; the message says what."""

    __module__ = PUBLIC


def did_you_mean(name: str, candidates: Iterable[str], n: int = 3, *, cutoff: float = 0.75) -> str:
    """Return `` Did you mean 'A' or 'B'?`` for near matches of a name, or an empty string.

    Matching ignores case first, since gene symbols differ between species and files only by it.
    """
    candidates = list(candidates)
    by_fold = {c.casefold(): c for c in candidates}
    near = difflib.get_close_matches(name.casefold(), list(by_fold), n=n, cutoff=cutoff)
    if not near:
        return ""
    return f" Did you mean {' or '.join(repr(by_fold[c]) for c in near)}?"


def list_some(items: Iterable[object], n: int = 5) -> str:
    """Join the first few items for a message and count the rest."""
    shown = [repr(i) for i in items]
    more = f" and {len(shown) - n} more" if len(shown) > n else ""
    return ", ".join(shown[:n]) + more
