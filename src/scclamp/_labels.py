"""Reads the dialects of perturbation labels: every spelling of a gene set becomes one canonical name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from scclamp._errors import InputError, list_some
from scclamp._keys import CONTROL, SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

_CONTROL = re.compile(
    r"(sg)?(ctrl|ctl|control|controls|(neg|negative)(ctrl|control|controls)|nontargeting|nontarget"
    r"|nontargeting(ctrl|control|controls)|nt(ctrl|control|controls)|ntc|safetargeting|safetarget|scrambled?|mock|unperturbed)\d*"
    r"|(sg)?nt\d*"
)
# Cutting and reporter controls, and cells without a treatment, where they are no genes that are measured.
_STAND_IN = re.compile(r"(sg)?(aavs1|lacz|e?gfp|untreated|vehicle)\d*")
_UNASSIGNED = frozenset(
    "|nan|na|n/a|none|null|<na>|unassigned|unknown|undetermined|ambiguous|multiplet|multiplets|multiple|doublet|doublets"
    "|noguide|no guide|no_guide|no-guide|no_sgrna|no-sgrna|no sgrna|nosgrna|no_grna|no-grna|no grna|nogrna"
    "|multi|multiguide|multi_guide|multi-guide|multi guide|*|-|?".split("|")
)
# Seurat's word for a cell without a tag, and somebody's word for the negative control.
_EITHER = frozenset({"negative", "neg"})
_SPLIT = re.compile(r"(__|[_,;|&])")
# Some genes hold these in their names, so that they never split a label, but may show that one should have been split.
_LOOKS_SPLIT = re.compile(r"\s*[/:\-]\s*|\s+")
_MAX_PIECES = 16
_HOW = "Write combinations as 'A+B', and a single gene whose name holds a separator as 'A_1+control'"


@dataclass(frozen=True)
class LabelReport:
    """How a set of raw labels was read.

    Parameters
    ----------
    mapped
        Canonical name of each label that was read.
    targets
        Sorted gene set of each canonical name; the control has none.
    dropped
        Labels that name no perturbation (missing, unassigned, multiplets), with the reason.
    ambiguous
        Labels that cannot be read with certainty, with the reason.
    """

    mapped: Mapping[str, str]
    targets: Mapping[str, tuple[str, ...]]
    dropped: Mapping[str, str]
    ambiguous: Mapping[str, str]

    def require_readable(self, where: str, remedy: str = "") -> None:
        """Raise an `InputError` that names the labels which cannot be read, if there are any, and ends with the remedy."""
        if self.ambiguous:
            label, reason = next(iter(self.ambiguous.items()))
            others = list_some([other for other in self.ambiguous if other != label])
            msg = f"{where} has the label {label!r}, which {reason}."
            raise InputError(msg + (f" The same holds for {others}." if others else "") + remedy)


def is_control_token(token: str) -> bool:
    """Whether a word is one of the usual names of unperturbed cells, in any spelling.

    Examples
    --------
    >>> [is_control_token(word) for word in ("ctrl", "non-targeting", "NegCtrl0", "NT", "NT5E")]
    [True, True, True, True, False]
    """
    return _CONTROL.fullmatch(re.sub(r"[\s_.\-]", "", token).casefold()) is not None


def is_stand_in(token: str) -> bool:
    """Whether a word names what usually stands in for a control, unless it is a gene of the panel.

    Examples
    --------
    >>> [is_stand_in(word) for word in ("AAVS1", "sgLacZ_2", "eGFP", "untreated", "WT", "KLF1")]
    [True, True, True, True, False, False]
    """
    return _STAND_IN.fullmatch(re.sub(r"[\s_.\-]", "", token).casefold()) is not None


def is_unassigned(label: str) -> bool:
    """Whether a label says that a cell has no known perturbation.

    Examples
    --------
    >>> is_unassigned(" "), is_unassigned("Multiplet"), is_unassigned("KLF1")
    (True, True, False)
    """
    return label.strip().casefold() in _UNASSIGNED


def join(targets: Iterable[str]) -> str:
    """Name a gene set: sorted genes joined by `+`, or `control` for none.

    Examples
    --------
    >>> join(["KLF1", "AHR"]), join([])
    ('AHR+KLF1', 'control')
    """
    return SEPARATOR.join(sorted(set(targets))) or CONTROL


def canonical(label: str, *, genes: Collection[str] = (), control: Collection[str] | None = None) -> str:
    """Canonical name of one label.

    Parameters
    ----------
    label
        Label in any dialect.
    genes
        Names known to be genes; needed to split on anything but `+`.
    control
        Labels that mean control. By default the usual ones are recognised.

    Returns
    -------
    `"control"`, a gene, or sorted genes joined by `+`.

    Examples
    --------
    >>> canonical("KLF1+AHR"), canonical("ctrl+KLF1 "), canonical("NTC")
    ('AHR+KLF1', 'KLF1', 'control')
    >>> canonical("KLF1_AHR__KLF1_AHR", genes=["AHR", "KLF1"])
    'AHR+KLF1'
    """
    report = parse_labels([label], genes=genes, control=control)
    if report.dropped:
        msg = f"label={label!r} {report.dropped[label]}. Pass a gene, genes joined by '+', or 'control'."
        raise InputError(msg)
    report.require_readable(f"label={label!r}")
    return report.mapped[label]


def parse_labels(
    labels: Iterable[str],
    *,
    genes: Collection[str] = (),
    control: Collection[str] | None = None,
    stand_ins: Collection[str] = (),
) -> LabelReport:
    """Read unique labels as gene sets.

    Parameters
    ----------
    labels
        Unique raw labels, for instance the categories of a column.
    genes
        Genes of the panel. A label that equals one of them is that gene, whatever characters it holds.
    control
        Labels that mean control, exactly as written. By default the usual ones are recognised.
    stand_ins
        Words that mean control beside the usual ones.

    Returns
    -------
    A report; nothing is raised for labels that cannot be read.

    Examples
    --------
    >>> report = parse_labels(["ctrl", "KLF1+ctrl", "AHR+KLF1", "HLA-A", "doublet", "x_y"])
    >>> report.mapped
    {'ctrl': 'control', 'KLF1+ctrl': 'KLF1', 'AHR+KLF1': 'AHR+KLF1', 'HLA-A': 'HLA-A'}
    >>> report.dropped
    {'doublet': 'names no perturbation'}
    >>> list(report.ambiguous)
    ['x_y']
    """
    labels = list(dict.fromkeys(labels))
    reader = _Reader(labels, genes, control, frozenset(stand_ins))
    mapped: dict[str, str] = {}
    targets: dict[str, tuple[str, ...]] = {}
    dropped: dict[str, str] = {}
    ambiguous: dict[str, str] = {}
    for label in labels:
        word = label.strip()
        if is_unassigned(word) and word not in reader.controls and word not in reader.panel:
            dropped[label] = "names no perturbation"
            continue
        genes_of, reason = reader.read(word)
        name = join(genes_of)
        if reason := reason or clash(name, genes_of, targets):
            ambiguous[label] = reason
        else:
            mapped[label], targets[name] = name, genes_of
    return LabelReport(mapped, targets, dropped, ambiguous)


def clash(name: str, genes: tuple[str, ...], targets: Mapping[str, tuple[str, ...]]) -> str:
    """Why a name cannot stand for these genes, as it stands for others; empty where it can.

    Examples
    --------
    >>> clash("A+B", ("A", "B"), {"A+B": ("A+B",)})
    "reads as 'A+B', which is also the name of one gene. Rename that gene"
    """
    if targets.get(name, genes) == genes:
        return ""
    return f"reads as {name!r}, which is also the name of one gene. Rename that gene"


class _Reader:
    """Reads stripped labels, given what is known to be a gene and what is known to be control."""

    def __init__(
        self,
        labels: Iterable[str],
        genes: Collection[str],
        control: Collection[str] | None,
        stand_ins: frozenset[str],
    ) -> None:
        self.explicit, self.stand_ins = control is not None, stand_ins
        self.controls = frozenset(c.strip() for c in control or ())
        # What would be read as the name of the control, or as no name, is no gene.
        self.panel = frozenset(genes) - {"", CONTROL}
        self.known = self.panel | self._singles(label.strip() for label in labels)

    def is_control(self, word: str) -> bool:
        # A human gene is called CTRL: once the user has named the controls, a gene of the panel is a gene.
        named = word in self.controls or word in self.stand_ins
        return named or (is_control_token(word) and not (self.explicit and word in self.panel))

    def read(self, word: str) -> tuple[tuple[str, ...], str]:
        """Gene set of a label, or the reason why there is none."""
        if word in self.controls:
            return (), ""
        if self.is_control(word):
            return (), self._refuse_control() if self.explicit else ""
        if word in self.panel:
            return (word,), ""
        if word.casefold() in _EITHER:
            return (), "may mean a control or a cell without a guide. Name it in control=, or remove its cells"
        if SEPARATOR in word:
            parts = [part.strip() for part in word.split(SEPARATOR)]
            return self._checked(parts)
        if not _SPLIT.search(word):
            return self._whole(word)
        readings = _readings(word, lambda piece: piece in self.known or self.is_control(piece))
        if not readings:
            return (), f"is neither a gene of the panel nor known genes joined by '_' or ','. {_HOW}"
        sets = {frozenset(p for p in parts if not self.is_control(p)) for parts in readings}
        if len(sets) > 1:
            return (), f"can be read as {' or '.join(sorted(repr(join(s)) for s in sets))}. {_HOW}"
        return self._checked(list(readings.pop()))

    def _whole(self, word: str) -> tuple[tuple[str, ...], str]:
        """A gene that need not be measured, unless each piece of it is one."""
        pieces = _LOOKS_SPLIT.split(word)
        genes = [piece for piece in pieces if piece in self.known]
        if len(pieces) > 1 and genes and all(piece in self.known or self.is_control(piece) for piece in pieces):
            return (
                (),
                f"may be one gene or {join(genes)!r}. Write combinations as 'A+B', and that gene as {word + '+control'!r}",
            )
        return (word,), ""

    def _checked(self, parts: list[str]) -> tuple[tuple[str, ...], str]:
        if "" in parts:
            return (), f"has an empty part. {_HOW}"
        targets = tuple(sorted({part for part in parts if not self.is_control(part)}))
        if not targets and self.explicit and self.controls.isdisjoint(parts):
            return (), self._refuse_control()
        return targets, ""

    @staticmethod
    def _refuse_control() -> str:
        return "looks like a control but is not among those named in control=. Add it there, or remove its cells"

    def _singles(self, words: Iterable[str]) -> frozenset[str]:
        """Genes that some label names alone, or beside nothing but controls."""
        found: set[str] = set()
        for word in words:
            if is_unassigned(word) or self.is_control(word):
                continue
            if SEPARATOR in word:
                pieces = {p.strip() for p in word.split(SEPARATOR)}
                found |= {p for p in pieces if p and not self.is_control(p)}
                continue
            pieces = {p for p in _SPLIT.split(word)[::2] if not self.is_control(p)}
            if len(pieces) == 1:
                found |= pieces
        return frozenset(found - {""})


def pieces_of(label: str) -> list[str]:
    """Words of a label between all signs that may join genes.

    Examples
    --------
    >>> pieces_of("AHR+KLF1_ctrl")
    ['AHR', 'KLF1', 'ctrl']
    """
    return [piece.strip() for part in label.split(SEPARATOR) for piece in _SPLIT.split(part)[::2]]


def _readings(word: str, accept: Callable[[str], bool]) -> set[tuple[str, ...]]:
    """Every way to cut a label at its separators into accepted pieces, each as a sorted set."""
    pieces = _SPLIT.split(word)
    if len(pieces) > 2 * _MAX_PIECES:
        return set()

    @lru_cache(None)
    def cut(start: int) -> frozenset[frozenset[str]]:
        if start > len(pieces):
            return frozenset([frozenset()])
        found: set[frozenset[str]] = set()
        for end in range(start + 1, len(pieces) + 1, 2):
            piece = "".join(pieces[start:end]).strip()
            if accept(piece):
                found |= {rest | {piece} for rest in cut(end + 1)}
        return frozenset(found)

    return {tuple(sorted(reading)) for reading in cut(0)}


def describe_dropped(where: str, counts: Mapping[str, int]) -> str:
    """Text of the warning about cells left out, with their number for each label."""
    total = sum(counts.values())
    what = list_some([label.strip() or "missing" for label in counts])
    cells, are = ("observation", "is") if total == 1 else ("observations", "are")
    return f"{where}: {total} {cells} without a known perturbation ({what}) {are} left out."
