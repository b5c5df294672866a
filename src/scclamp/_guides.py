"""Labels that say more than the gene: guides, plasmids, cell contexts and doses are taken off."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Sites of the CRISPRi/a libraries, AHR_-_17338164.23-P1P2, leave no doubt.
_SITE = re.compile(r"(?P<gene>[^|;,+&\s]+?)_[+-]_\d+(\.\d+)?-[A-Za-z0-9.,]+")
# What may follow a gene: first the forms that no gene symbol ends in, then those that need a known gene.
_TELLING = {
    "plasmid": re.compile(r"(?P<gene>.+)_p[A-Z]{2}\d+"),
    "guide": re.compile(r"(?P<gene>.+?)[_.\- ]?(?:sg|sgRNA|gRNA|guide|g)[_.\- ]?\d+"),
    "numbered": re.compile(r"(?P<gene>.+)_\d+"),
}
_WEAK = {"suffixed": re.compile(r"(?P<gene>.+)[.\-]\d+")}
_FORMS = _TELLING | _WEAK
_PREFIX = re.compile(r"(?:p_)?sg[_\-]?(?=[^_\-])")
_STRONG = re.compile(r"[|;,+&]|__")
_SEPARATORS = re.compile(r"[_|;,+&]")
_DOSES = re.compile(r"(?P<condition>.+)_(?P<dose>\d+(?:\.\d+)?(?:\+\d+(?:\.\d+)?)*)")


def strip_contexts(labels: Iterable[str], is_control: Callable[[str], bool]) -> dict[str, str]:
    """Take cell context and doses off, as in ``A549_KLF1+ctrl_1+1``, when every label has them.

    The controls, such as ``A549_ctrl_1``, say which contexts there are.

    Parameters
    ----------
    labels
        Unique labels without space around them.
    is_control
        Whether a word means control.

    Returns
    -------
    Label without context for each label; empty when some label has another form.

    Examples
    --------
    >>> strip_contexts(["A549_ctrl_1", "A549_KLF1+ctrl_1+1"], lambda word: word == "ctrl")
    {'A549_ctrl_1': 'ctrl', 'A549_KLF1+ctrl_1+1': 'KLF1+ctrl'}
    """
    labels = list(labels)
    found = {label: match for label in labels if (match := _DOSES.fullmatch(label))}
    if len(found) < len(labels):
        return {}
    contexts = set()
    for match in found.values():
        context, _, word = match["condition"].rpartition("_")
        if context and is_control(word):
            contexts.add(context)
    bare: dict[str, str] = {}
    for label, match in found.items():
        for context in sorted(contexts, key=len, reverse=True):
            condition = match["condition"].removeprefix(f"{context}_")
            if condition != match["condition"] and condition.count("+") == match["dose"].count("+"):
                bare[label] = condition
                break
    return bare if len(bare) == len(labels) else {}


def strip_guides(
    labels: Iterable[str], is_gene: Callable[[str], bool], is_control: Callable[[str], bool]
) -> dict[str, str]:
    """Name the genes of labels that are guides.

    A guide is believed when its gene is known or a control, or when every label of the column is of the same form and
    some gene has several.

    Parameters
    ----------
    labels
        Unique labels without space around them.
    is_gene
        Whether a word is a known gene.
    is_control
        Whether a word means control.

    Returns
    -------
    Genes joined by ``+`` for each label that holds a guide; the others are left alone.

    Examples
    --------
    >>> known, control = {"STAT2", "AHR"}.__contains__, {"NT"}.__contains__
    >>> strip_guides(["STAT2g2", "NTg1", "AHR_-_17338164.23-P1P2", "HLA-A"], known, control)
    {'STAT2g2': 'STAT2+control', 'NTg1': 'NT', 'AHR_-_17338164.23-P1P2': 'AHR+control'}
    """
    labels = list(dict.fromkeys(labels))
    words = {part for label in labels for part in _parts(label)}
    reader = _GuideReader(words, is_gene, is_control)
    found = {}
    for label in labels:
        genes = reader.read(label)
        if genes is not None:
            named = [gene for gene in genes if not is_control(gene)]
            # Beside a control, a gene is one whatever characters it holds.
            if not named:
                found[label] = genes[0]
            else:
                found[label] = "+".join(named) if len(set(named)) > 1 else f"{named[0]}+control"
    return found


def _parts(label: str) -> list[str]:
    return [part.strip() for part in _STRONG.split(label)] if not _SITE.fullmatch(label) else [label]


class _GuideReader:
    def __init__(self, words: set[str], is_gene: Callable[[str], bool], is_control: Callable[[str], bool]) -> None:
        self.is_gene, self.is_control = is_gene, is_control
        self.prefixed = self._all_prefixed(words)
        self.agreed = {form for form, pattern in _TELLING.items() if self._agree(words, pattern)}

    def read(self, label: str) -> list[str] | None:
        """Genes of a label, controls among them; None when no part is a guide."""
        if self._settled(label):
            return None
        for parts in self._cuts(label):
            genes = [self._gene(part) for part in parts]
            rest = [part for part, gene in zip(parts, genes, strict=True) if gene is None]
            if len(rest) < len(parts) and all(self._settled(part) for part in rest):
                return [part if gene is None else gene for part, gene in zip(parts, genes, strict=True)]
        return None

    def _settled(self, word: str) -> bool:
        return self.is_gene(word) or self.is_control(word)

    def _cuts(self, label: str) -> Iterator[list[str]]:
        yield [label]
        if _STRONG.search(label):
            # The strand of a site is a plus too, and its transcripts may be joined by commas.
            yield [part.strip() for part in re.split(r"[|;&]|__|,(?!ENST)", label)]
            yield [part.strip() for part in _STRONG.split(label)]
        if "_" in label:
            yield label.split("_")

    def _gene(self, word: str) -> str | None:
        """Gene of one guide; None when the word is none."""
        if self._settled(word):
            return None
        if match := _SITE.fullmatch(word):
            return match["gene"]
        bare = _PREFIX.sub("", word, count=1) if _PREFIX.match(word) else word
        if bare != word and self._settled(bare):
            return bare
        stem = bare if self.prefixed else word
        for form, pattern in _FORMS.items():
            match = pattern.fullmatch(stem)
            for gene in () if match is None else (match["gene"], _PREFIX.sub("", match["gene"], count=1)):
                if self._settled(gene):
                    return gene
            if match and form in self.agreed and not _SEPARATORS.search(match["gene"]):
                return match["gene"]
        return stem if stem != word and not _SEPARATORS.search(stem) else None

    def _all_prefixed(self, words: set[str]) -> bool:
        rest = [word for word in words if not self._settled(word)]
        return len(rest) > 1 and all(_PREFIX.match(word) for word in rest)

    def _agree(self, words: set[str], pattern: re.Pattern[str]) -> bool:
        """Whether all words but the controls are of one form, and some gene has several guides."""
        genes: dict[str, set[str]] = defaultdict(set)
        for word in words:
            if self._settled(word):
                continue
            stem = _PREFIX.sub("", word, count=1) if self.prefixed else word
            matches = [pattern.fullmatch(piece) for piece in stem.split("_")]
            if not all(matches):
                matches = [pattern.fullmatch(stem)]
            for match in matches:
                if match is None:
                    return False
                if not self.is_control(match["gene"]):
                    genes[match["gene"]].add(match[0])
        return max(map(len, genes.values()), default=0) > 1
