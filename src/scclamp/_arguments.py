"""Checks of arguments that several functions share, so that one mistake has one message everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import TYPE_CHECKING, Any

from scclamp._aliases import did_you_mean_gene
from scclamp._errors import InputError, did_you_mean, list_some

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

_GENES = ("genes", "regulators", "targets")
"""Arguments that name genes, of which only near spellings are suggested."""


def require_choice(name: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse a word that is not among those an argument knows.

    Examples
    --------
    >>> require_choice("mode", "fats", ("fast", "exact"))
    Traceback (most recent call last):
    scclamp.errors.InputError: mode='fats' is not known. Did you mean 'fast'? Use one of 'fast', 'exact'.
    """
    if value not in allowed:
        hint = did_you_mean(str(value), allowed)
        raise InputError(f"{name}={value!r} is not known.{hint} Use one of {', '.join(map(repr, allowed))}.")


def require_whole(name: str, value: object) -> int:
    """Return a whole number of at least 1, or refuse what is none; a truth value is none.

    Examples
    --------
    >>> require_whole("n", 3)
    3
    >>> require_whole("n", 2.5)
    Traceback (most recent call last):
    scclamp.errors.InputError: n=2.5 must be a whole number of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise InputError(f"{name}={value!r} must be a whole number of at least 1.")
    return int(value)


def read_rng(rng: object, seed: int | None = None) -> np.random.Generator:
    """Return the generator that is meant.

    Parameters
    ----------
    rng
        Seed, or a generator, which is taken as it is.
    seed
        What None stands for; None itself is chance.

    Examples
    --------
    >>> bool(read_rng(3).integers(10) == read_rng(None, seed=3).integers(10))
    True
    >>> read_rng("a")
    Traceback (most recent call last):
    scclamp.errors.InputError: rng='a' is no seed. Pass a whole number of at least 0, or a numpy Generator.
    """
    import numpy as np

    given: Any = seed if rng is None else rng
    try:
        if isinstance(given, bool):
            raise TypeError
        return np.random.default_rng(given)
    except (TypeError, ValueError) as error:
        msg = f"rng={rng!r} is no seed. Pass a whole number of at least 0, or a numpy Generator."
        raise InputError(msg) from error


def positions(name: str, asked: str | Iterable[str] | None, known: Sequence[str]) -> np.ndarray:
    """Position of each name that an argument asks for among the known ones, once each; None asks for all.

    Examples
    --------
    >>> positions("genes", ["B", "A", "B"], ["A", "B", "C"])
    array([1, 0])
    >>> positions("genes", "Bb", ["AA", "BB"])
    Traceback (most recent call last):
    scclamp.errors.InputError: genes: 'Bb' is not there. Did you mean 'BB'? There are 'AA', 'BB'.
    """
    import numpy as np  # here, since `import scclamp` needs this file and not numpy

    if asked is None:
        return np.arange(len(known))
    if not isinstance(asked, Iterable):
        raise InputError(f"{name}={asked!r} is no name, nor several of them. There are {list_some(known)}.")
    names = [asked] if isinstance(asked, str) else list(asked)
    if not names:
        raise InputError(f"{name} is empty. Name at least one, or leave it out for all.")
    at = {each: i for i, each in enumerate(known)}
    unknown = [each for each in names if each not in at]
    if unknown:
        near = did_you_mean_gene if name in _GENES else did_you_mean
        are = "is" if len(unknown) == 1 else "are"
        hint = near(str(unknown[0]), known)
        raise InputError(f"{name}: {list_some(unknown)} {are} not there.{hint} There are {list_some(known)}.")
    return np.array([at[each] for each in dict.fromkeys(names)], int)
