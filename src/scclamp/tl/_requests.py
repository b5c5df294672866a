"""Reads what to predict: labels, gene sets and doses in any mixture become columns and values."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._aliases import did_you_mean_gene
from scclamp._errors import InputError, InputWarning, list_some
from scclamp._keys import CONTROL, SEPARATOR
from scclamp._labels import canonical, is_control_token
from scclamp.tl._dose_labels import counted, explain_dose, names_doses, read_dose_label

if TYPE_CHECKING:
    from scclamp._result import Result

Request = str | Mapping[str, float] | Iterable[str]
Clamps = str | Iterable[Request] | Mapping[str, Request]

_OTHER_SIGNS = re.compile(r"[\s/,;|&_:*]+")

_Read = tuple[tuple[int, ...], tuple[float, ...] | None]


@dataclass(frozen=True, eq=False)
class Requests:
    """Conditions to predict.

    Parameters
    ----------
    names
        Unique name of each.
    columns
        Regulators that are held (requests, most regulators of any), sorted; -1 fills up.
    doses
        Where they are held; NaN where no dose was given.
    """

    names: list[str]
    columns: np.ndarray
    doses: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def targets(self, regulators: Sequence[str]) -> list[str]:
        """Canonical name of the gene set of each request."""
        named = [*regulators, ""]
        return [SEPARATOR.join(named[j] for j in row if j >= 0) or CONTROL for row in self.columns.tolist()]


def read_requests(clamps: Clamps, result: Result, max_dose: float) -> Requests:
    """Read all requests, or raise an error that names the first one that cannot be read.

    Parameters
    ----------
    clamps
        One label; or labels such as ``"A+B"`` and ``"A=2.1+B=0"``, gene sets such as ``("A", "B")`` and doses such as ``{"A": 2.1}`` in any
        mixture; or a mapping from names of your own to those.
    result
        The fit.
    max_dose
        Largest expression that the network tells apart.

    Returns
    -------
    The requests in their order, repeated ones left out.
    """
    reader = _Reader(result, max_dose)
    found: dict[str, _Read] = {}
    own: set[str] = set()
    repeated: list[str] = []
    for where, name, request in _each(clamps, reader.column):
        try:
            read = reader.read(request)
        except InputError as error:
            raise InputError(f"{where}={request!r}: {error}") from None
        if name is None:
            name = reader.name(*read)
        else:
            own.add(name)
        if name in found:
            if found[name] != read:
                raise InputError(
                    f"{where}={request!r}: {name!r} is also the name of another request. Name them yourself."
                )
            repeated.append(name)
        found[name] = read
    if not found:
        raise InputError(f"clamps={clamps!r} requests nothing. Pass labels such as ['A+B'], or None for every cell.")
    if repeated:
        many = len(repeated) > 1
        what = "repeat earlier ones and are left out" if many else "repeats an earlier one and is left out"
        message = f"clamps: {counted(len(repeated), 'request')} {what}: {list_some(repeated)}."
        warnings.warn(message, InputWarning, stacklevel=4)
    return _pack(_shortened(found, own, reader))


def _shortened(found: dict[str, _Read], own: Collection[str], reader: _Reader) -> dict[str, _Read]:
    """Round the doses in names that were not given to four digits, where that keeps names apart."""
    short = {name: name if name in own else reader.name(*read, digits=4) for name, read in found.items()}
    counts = Counter(short.values()) + Counter(name for name in found if short[name] != name)
    return {short[name] if counts[short[name]] == 1 else name: read for name, read in found.items()}


def _each(clamps: Any, regulators: Collection[str]) -> Iterator[tuple[str, str | None, Any]]:
    """Yield where each request stands, its name if it was given one, and the request."""
    if isinstance(clamps, str):
        yield "clamps", None, clamps
    elif isinstance(clamps, Mapping):
        if names_doses(clamps, regulators):
            yield "clamps", None, clamps
            return
        for name, request in clamps.items():
            if not isinstance(name, str) or not name.strip():
                raise InputError(f"clamps has the name {name!r}. Names of requests are texts.")
            yield f"clamps[{name!r}]", name, request
    elif isinstance(clamps, Iterable) and not isinstance(clamps, bytes | pd.DataFrame):
        for position, request in enumerate(clamps):
            yield f"clamps[{position}]", None, request
    else:
        kind = type(clamps).__name__
        raise InputError(f"clamps is of type {kind}, but must list requests such as ['A+B', ('A', 'B'), {{'A': 2.1}}].")


def _pack(found: dict[str, _Read]) -> Requests:
    width = max(1, max(len(columns) for columns, _ in found.values()))
    columns = np.full((len(found), width), -1, np.int64)
    doses = np.full((len(found), width), np.nan)
    for row, (held, given) in enumerate(found.values()):
        columns[row, : len(held)] = held
        if given is not None:
            doses[row, : len(held)] = given
    return Requests(list(found), columns, doses)


class _Reader:
    """Reads single requests against the regulators of one fit."""

    def __init__(self, result: Result, max_dose: float) -> None:
        self.regulators = result.regulators
        self.column = {gene: j for j, gene in enumerate(result.regulators)}
        self.latent = {gene for gene, row in zip(result.regulators, result.regulator_rows, strict=True) if row < 0}
        self.genes = {*result.genes, *result.regulators}
        self.max_dose = max_dose
        self.controls = result.controls
        self.control_labels = frozenset(self.controls or ())
        # Fits of earlier versions do not say what they left out.
        self.left_out: frozenset[str] = frozenset(result.params.get("left_out", ()))
        self.dropped = result.params.get("unmeasured") == "drop"

    def read(self, request: Any) -> _Read:
        """Columns of a request in their order, and their doses if there are any."""
        if isinstance(request, Mapping):
            return self._with_doses(request)
        if isinstance(request, str) and "=" in request and request.strip() not in self.genes | self.control_labels:
            return self._with_doses(read_dose_label(request))
        if isinstance(request, str):
            return self._columns(self._split(request)), None
        if isinstance(request, Iterable) and not isinstance(request, bytes):
            return self._columns(self._named(request)), None
        raise InputError("this is no request. Write a label 'A+B', a gene set ('A', 'B') or doses {'A': 2.1}.")

    def name(self, columns: tuple[int, ...], doses: tuple[float, ...] | None, digits: int = 17) -> str:
        """Canonical name of a request; with doses they are part of it."""
        names = [self.regulators[j] for j in columns]
        if doses is not None:
            names = [f"{name}={write_dose(dose, digits)}" for name, dose in zip(names, doses, strict=True)]
        return SEPARATOR.join(names) or CONTROL

    def _split(self, label: str) -> list[str]:
        word = label.strip()
        if word in self.column:
            return [word]
        if not word:
            raise InputError("the label is empty. Write genes joined by '+', or 'control' for none.")
        if self._is_control(word):
            return []
        if SEPARATOR in word and word not in self.genes:
            return [part for part in map(str.strip, word.split(SEPARATOR)) if not self._is_control(part)]
        try:
            name = canonical(word, genes=self.genes, control=self.controls)
        except InputError:
            return [word]
        return [word] if name in self.genes else name.split(SEPARATOR)

    def _named(self, request: Iterable[Any]) -> list[str]:
        genes = list(request)
        if not genes:
            raise InputError("it names no gene. Write 'control' to predict the control.")
        for gene in genes:
            if not isinstance(gene, str):
                raise InputError(f"{gene!r} is not the name of a gene. Write for example ('A', 'B').")
        return [gene.strip() for gene in genes if not self._is_control(gene)]

    def _is_control(self, word: str) -> bool:
        return word not in self.column and (word in self.control_labels or is_control_token(word))

    def _columns(self, genes: list[str]) -> tuple[int, ...]:
        columns = [self.column.get(gene, -1) for gene in genes]
        if -1 in columns:
            raise InputError(self._explain_missing(genes[columns.index(-1)]))
        if len(set(columns)) < len(columns):
            twice = next(gene for gene in genes if genes.count(gene) > 1)
            raise InputError(f"{twice!r} is named twice, but a gene is held at one value. Name it once.")
        return tuple(sorted(columns))

    def _with_doses(self, request: Mapping[Any, Any]) -> _Read:
        doses = {str(gene).strip(): value for gene, value in request.items()}
        if len(doses) < len(request):
            raise InputError("a gene is named twice, but a gene is held at one value. Name it once.")
        if not doses:
            raise InputError("it names no gene. Write 'control' to predict the control.")
        columns = self._columns(list(doses))
        return columns, tuple(self._dose(self.regulators[j], doses[self.regulators[j]]) for j in columns)

    def _dose(self, gene: str, value: Any) -> float:
        if isinstance(value, bool | np.bool) or not isinstance(value, Real | np.number):
            raise InputError(explain_dose(gene, value))
        dose = float(value)
        limit = 1.0 if gene in self.latent else self.max_dose
        if 0 <= dose <= limit:
            return dose + 0.0  # minus zero becomes zero, and so one name
        if gene in self.latent:
            reason = "it is not measured, and its dose runs from 0 (untouched) to 1 (perturbed as in the screen)"
        elif dose > limit:
            reason = f"the network knows expression up to {limit:g}; doses are log-normalised expression, not counts"
        else:
            reason = "a dose is log-normalised expression: a finite number, 0 or above"
        raise InputError(f"the dose of {gene!r} is {value!r}, but {reason}.")

    def _explain_missing(self, gene: str) -> str:
        known = f"The {len(self.regulators)} regulators of the fit are {list_some(self.regulators)}."
        if not gene:
            return "a part is empty. Write genes joined by single '+'."
        if gene in self.genes:
            return (
                f"{gene!r} is measured but has no column in the network, since no training condition perturbed it "
                f"alone: what it does to other genes is not known.{did_you_mean_gene(gene, self.regulators)} {known}"
            )
        if gene in self.left_out:
            return f"{gene!r} was perturbed in the screen, but the panel does not measure it, {self._explain_left_out()} {known}"
        hint = self._joined(gene) or did_you_mean_gene(gene, self.regulators) or did_you_mean_gene(gene, self.genes)
        return f"{gene!r} is no gene of the fit.{hint} {known}"

    def _joined(self, text: str) -> str:
        """A hint for genes that another sign than '+' joins."""
        parts = [part for part in _OTHER_SIGNS.split(text) if part]
        if len(parts) < 2 or not set(parts) <= {*self.regulators}:
            return ""
        return f" A combination is joined by '{SEPARATOR}': {SEPARATOR.join(parts)!r}."

    def _explain_left_out(self) -> str:
        if self.dropped:
            return (
                "and the fit left its conditions out (unmeasured='drop'): what it does is not known. Fit with unmeasured='latent' "
                "to give it a dose of its own."
            )
        return "and no training condition perturbed it alone: what it does is not known. Leave out what asks for it."


def write_dose(dose: float, digits: int = 17) -> str:
    """Shortest text that reads as this number, or as what it is in some significant digits.

    Examples
    --------
    >>> write_dose(2.0), write_dose(0.25)
    ('2', '0.25')
    >>> write_dose(2 / 3), write_dose(2 / 3, 4)
    ('0.6666666666666666', '0.6667')
    """
    return repr(float(f"{float(dose):.{digits}g}")).removesuffix(".0")
