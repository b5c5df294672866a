"""Doses as they are written: in the names of results, and in mistaken requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from numbers import Real
from typing import Any

from scclamp._errors import InputError
from scclamp._keys import SEPARATOR


def read_dose_label(label: str) -> dict[str, float]:
    """Doses of a label in the form of the names that results have.

    Examples
    --------
    >>> read_dose_label("AHR=2.5+KLF1=0")
    {'AHR': 2.5, 'KLF1': 0.0}
    """
    doses: dict[str, float] = {}
    for part in label.split(SEPARATOR):
        gene, sign, text = (piece.strip() for piece in part.rpartition("="))
        if not sign:
            raise InputError(f"{text!r} has no dose, but other genes have one. Write for example {text + '=2.5'!r}.")
        if not is_number(text):
            raise InputError(f"the dose of {gene!r} is {text!r}, which is no number. Give its expression.")
        if gene in doses:
            raise InputError(f"{gene!r} is named twice, but a gene is held at one value. Name it once.")
        doses[gene] = float(text)
    return doses


def names_doses(request: Mapping[Any, Any], genes: Collection[str]) -> bool:
    """Whether a mapping is one request with doses, well or badly written, and not requests with names of their own."""
    values = list(request.values())
    if not values:
        return False
    if all(isinstance(value, Real) for value in values):
        return True
    named = all(isinstance(gene, str) and gene.strip() in genes for gene in request)
    return named and all(
        value is None or isinstance(value, Real) or (isinstance(value, str) and value not in genes and is_number(value))
        for value in values
    )


def is_number(text: str) -> bool:
    """Whether a text reads as a number.

    Examples
    --------
    >>> is_number("2.1"), is_number("AHR")
    (True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True


def explain_dose(gene: str, value: object) -> str:
    """What is wrong with a dose that is no number."""
    if value is None:
        return f"the dose of {gene!r} is missing. Give its expression; without a dose, write the gene as a label."
    if isinstance(value, str) and is_number(value):
        return f"the dose of {gene!r} is the text {value!r}, which is no number. Write {{{gene!r}: {float(value):g}}}."
    return f"the dose of {gene!r} is {value!r}, which is no number. Give its expression."


def counted(n: int, noun: str) -> str:
    """Write a number and what it counts.

    Examples
    --------
    >>> counted(1, "cell"), counted(2, "cell")
    ('1 cell', '2 cells')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
