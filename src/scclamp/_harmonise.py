"""Labels of any source as canonical gene sets: contexts and guides taken off, genes spelled as in the panel."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from scclamp._aliases import Aliases
from scclamp._errors import InputError, list_some
from scclamp._guides import strip_contexts, strip_guides
from scclamp._keys import CONTROL, SEPARATOR
from scclamp._labels import (
    LabelReport,
    clash,
    is_control_token,
    is_stand_in,
    is_unassigned,
    join,
    parse_labels,
    pieces_of,
)

TAKEN = "taken for a control"
"""Begins the note on a label that usually stands in for a control."""
_LETTERS = 2
"""Longest piece of a label that is no gene of another case."""


@dataclass(frozen=True)
class Harmony(LabelReport):
    """How a set of raw labels was read, and what was changed in them.

    Parameters
    ----------
    renamed
        Labels of which a gene was renamed.
    notes
        What was done to a label, or what to know about it.
    """

    renamed: Collection[str] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


def harmonise(
    labels: Iterable[str],
    *,
    genes: Collection[str] = (),
    control: Collection[str] | None = None,
    aliases: Mapping[str, str | None] | None = None,
    symbols: Collection[str] = (),
) -> Harmony:
    """Read unique labels as gene sets, guides and contexts included, in the panel's spelling of the genes.

    Parameters
    ----------
    labels
        Unique raw labels.
    genes
        Genes of the panel.
    control
        Labels that mean control, exactly as written; the usual ones by default.
    aliases
        Other names: of a whole label (for a gene, a combination, `"control"`, or None to leave its cells out), or of a gene.
    symbols
        More names that are genes, though the panel does not use them.

    Returns
    -------
    A report; nothing is raised for labels that cannot be read.

    Examples
    --------
    >>> found = harmonise(["NTg1", "STAT2g1", "C19orf26_ctrl"], genes=["STAT2", "CBARP"])
    >>> found.mapped
    {'NTg1': 'control', 'STAT2g1': 'STAT2', 'C19orf26_ctrl': 'CBARP'}
    >>> sorted(found.renamed), found.notes["STAT2g1"]
    (['C19orf26_ctrl'], 'guide of STAT2')
    """
    labels = list(dict.fromkeys(labels))
    reader = _Harmoniser(labels, frozenset(genes), control, dict(aliases or {}), frozenset(symbols))
    return reader.read()


class _Harmoniser:
    def __init__(
        self,
        labels: list[str],
        panel: frozenset[str],
        control: Collection[str] | None,
        aliases: dict[str, str | None],
        symbols: frozenset[str],
    ) -> None:
        self.panel, self.control = panel, None if control is None else frozenset(c.strip() for c in control)
        given = {old: new for old, new in aliases.items() if new and _is_name(new)}
        self.aliases = Aliases(panel, given)
        self.by_case = _unique_by_case(panel)
        self.known = panel | symbols | self.aliases.symbols
        # A reporter that is measured is a gene, in whatever case.
        self.measured = {gene.casefold() for gene in panel | symbols}
        self.notes: dict[str, list[str]] = {label: [] for label in labels}
        self.left_out: set[str] = set()
        self.text = {label: self._whole(label, aliases) for label in labels}
        self._simplify()

    def _whole(self, label: str, aliases: dict[str, str | None]) -> str:
        """Text of a label, after the user's word on it."""
        word = label.strip()
        if word not in aliases or word in self.aliases.given:
            return word
        new = aliases[word]
        if new is None:
            self.left_out.add(label)
            return ""
        self.notes[label].append(f"read as {new!r}, as aliases= says")
        # The user's own control may have another name.
        return min(self.control) if new == CONTROL and self.control else new

    def _is_gene(self, word: str) -> bool:
        """Whether a word is a gene, of the panel in any case; a letter or two may be anything."""
        if word in self.known:
            return True
        return len(word) > _LETTERS and word.casefold() in self.by_case and not self._is_control(word)

    def _simplify(self) -> None:
        words = {text for text in self.text.values() if not is_unassigned(text) or self._is_control(text)}
        bare = strip_contexts(words, self._is_control)
        self._replace(bare, "without its context and dose")
        words = {bare.get(word, word) for word in words}
        guides = strip_guides(sorted(words), self._is_gene, self._is_control)
        self._replace(guides, "guide of {}")

    def _replace(self, new: Mapping[str, str], note: str) -> None:
        for label, text in self.text.items():
            if text in new:
                self.text[label] = new[text]
                self.notes[label].append(note.format(new[text].removesuffix(f"+{CONTROL}")))

    def _is_control(self, word: str) -> bool:
        if self.control is not None:
            return word in self.control
        return is_control_token(word) or self._stands_in(word)

    def _stands_in(self, word: str) -> bool:
        named = word in self.aliases.given
        return self.control is None and is_stand_in(word) and word.casefold() not in self.measured and not named

    def read(self) -> Harmony:
        texts = set(self.text.values())
        stand_ins = {word for text in texts for word in {text, *pieces_of(text)} if self._stands_in(word)}
        other_case = {word for text in texts for word in pieces_of(text) if self._is_gene(word)}
        genes = (self.known | other_case) - self._shadowed()
        parsed = parse_labels(texts, genes=genes, control=self.control, stand_ins=stand_ins)
        self.aliases.occurring = {gene for genes in parsed.targets.values() for gene in genes}
        mapped: dict[str, str] = {}
        targets: dict[str, tuple[str, ...]] = {}
        dropped: dict[str, str] = {}
        ambiguous: dict[str, str] = {}
        renamed: set[str] = set()
        for label, text in self.text.items():
            if label in self.left_out:
                dropped[label] = "left out, as aliases= says"
            elif text in parsed.dropped:
                dropped[label] = parsed.dropped[text]
            elif text in parsed.ambiguous:
                ambiguous[label] = parsed.ambiguous[text] + ". Or give its meaning in aliases="
            else:
                before = parsed.targets[parsed.mapped[text]]
                after, reason = self._spell(before)
                name = join(after)
                if reason := reason or clash(name, after, targets):
                    ambiguous[label] = reason
                    continue
                mapped[label], targets[name] = name, after
                if after != before:
                    renamed.add(label)
                self._comment(label, before, after)
        self._comment_on_controls(mapped)
        notes = {label: "; ".join(notes) for label, notes in self.notes.items() if notes}
        return Harmony(mapped, targets, dropped, ambiguous, renamed, notes)

    def _shadowed(self) -> frozenset[str]:
        """Names that are genes only for an alias, but mean control in these labels."""
        return frozenset(name for name in self.known - self.panel if self._is_control(name))

    def _spell(self, genes: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        found = set()
        for gene in genes:
            try:
                known = self.aliases.resolve(gene)
                # Files and species differ in the case of a symbol, C1ORF112 for C1orf112.
                found.add(known if known in self.panel else self.by_case.get(known.casefold(), known))
            except InputError as error:
                return (), f"names {gene!r}, which {error}"
        return tuple(sorted(found)), ""

    def _comment(self, label: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
        old, new = sorted(set(before) - set(after)), sorted(set(after) - set(before))
        if old:
            self.notes[label].append(f"{SEPARATOR.join(old)} is called {SEPARATOR.join(new) or SEPARATOR.join(after)}")
        missing = [gene for gene in after if gene not in self.panel]
        if missing and self.panel:
            self.notes[label].append(f"not measured: {list_some(missing, 10)}")

    def _comment_on_controls(self, mapped: Mapping[str, str]) -> None:
        """Say which labels were taken for controls without being called so, and which other controls there are."""
        control = {label: self.text[label] for label, name in mapped.items() if name == CONTROL}
        for label, text in control.items():
            if not any(self._stands_in(word) for word in {text, *pieces_of(text)}):
                continue
            others = [other for other, word in control.items() if word != text]
            beside = f", beside {list_some(others, 3)}: name control= to keep them apart" if others else ""
            self.notes[label].append(f"{TAKEN}{beside}")


def _unique_by_case(panel: Collection[str]) -> dict[str, str]:
    """Genes of the panel that differ from all others by more than case."""
    found: dict[str, str] = {}
    twice = set()
    for gene in panel:
        if found.setdefault(gene.casefold(), gene) != gene:
            twice.add(gene.casefold())
    return {folded: gene for folded, gene in found.items() if folded not in twice}


def _is_name(word: str) -> bool:
    """Whether the user renames a gene, rather than explaining a label."""
    return SEPARATOR not in word and word != CONTROL
