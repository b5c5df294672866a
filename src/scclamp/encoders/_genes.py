"""Genes of a panel in the vocabulary of a pretrained model: which token each has, and which have none."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from scclamp._aliases import RENAMED
from scclamp._errors import InputError, list_some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

ENOUGH = 50
"""Genes that must be known at least, or `SHARE` of the panel where that is fewer."""
SHARE = 0.05
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class GeneMapping:
    """Genes of a panel in a vocabulary.

    Parameters
    ----------
    genes
        The panel.
    tokens
        Token of each gene; -1 has none.
    missing
        Genes that the vocabulary does not hold under any spelling.
    ambiguous
        Genes that are left out because several entries, or several genes, share their spelling.
    renamed
        Spelling in the vocabulary of genes that are known otherwise than by their own name.

    Examples
    --------
    >>> GeneMapping(("A", "B"), np.array([7, -1]), missing=("B",)).describe()
    "1 of 2 genes are known; unknown: 'B'"
    """

    genes: tuple[str, ...]
    tokens: np.ndarray
    missing: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def at(self) -> np.ndarray:
        """Columns of the genes that are known."""
        return np.flatnonzero(self.tokens >= 0)

    def describe(self) -> str:
        """Report in one line what was found and what was not."""
        parts = [f"{len(self.at)} of {len(self.genes)} genes are known"]
        if self.renamed:
            pairs = [f"{gene} as {other}" for gene, other in self.renamed.items()]
            parts.append(f"{len(pairs)} by another spelling: {list_some(pairs)}")
        for what, names in (("unknown", self.missing), ("ambiguous", self.ambiguous)):
            if names:
                parts.append(f"{what}: {list_some(names)}")
        return "; ".join(parts)


def panel_of(genes: Iterable[str]) -> tuple[str, ...]:
    """Names of a panel; a whole AnnData is refused.

    Examples
    --------
    >>> panel_of(["GATA1", "KLF1"])
    ('GATA1', 'KLF1')
    """
    if isinstance(genes, str) or hasattr(genes, "var_names"):
        raise InputError(
            f"genes={genes if isinstance(genes, str) else type(genes).__name__!r} is no list of names. Pass adata.var_names."
        )
    return tuple(str(gene) for gene in genes)


def map_genes(
    genes: Sequence[str], vocabulary: Mapping[str, int], aliases: Mapping[str, str] | None = None
) -> GeneMapping:
    """Find the genes of a panel in a vocabulary.

    Names that `aliases` gives come first, then the names as they are, then names that differ only by case, then the other
    spelling of renamed genes. A token is given to one gene only: a gene that is there by its own name keeps it.

    Parameters
    ----------
    genes
        Names of the panel.
    vocabulary
        Token of each entry.
    aliases
        Entry of the vocabulary by gene of the panel, where you know better.

    Returns
    -------
    The mapping, which is also logged.

    Raises
    ------
    InputError
        When fewer than 50 genes are known, or than 5 % of the panel where that is fewer.

    Examples
    --------
    >>> map_genes(["GATA1", "klf1", "XYZ"], {"GATA1": 4, "KLF1": 9}).tokens
    array([ 4,  9, -1])
    """
    panel = panel_of(genes)
    if twice := [gene for gene, n in Counter(panel).items() if n > 1]:
        raise InputError(f"genes holds {list_some(twice)} more than once. Make the names of the panel unique.")
    found: dict[str, str] = {}
    ambiguous: set[str] = set()
    for spellings in _stages(vocabulary, aliases or {}):
        left = [gene for gene in panel if gene not in found]
        taken = set(found.values())
        proposed = {gene: [entry for entry in spellings(gene) if entry not in taken] for gene in left}
        claims = Counter(entries[0] for entries in proposed.values() if len(entries) == 1)
        for gene, entries in proposed.items():
            if len(entries) == 1 and claims[entries[0]] == 1:
                found[gene] = entries[0]
            elif entries:
                ambiguous.add(gene)
    tokens = np.array([vocabulary[found[gene]] if gene in found else -1 for gene in panel], dtype=np.int64)
    unclear = tuple(gene for gene in panel if gene in ambiguous and gene not in found)
    mapping = GeneMapping(
        genes=panel,
        tokens=tokens,
        missing=tuple(gene for gene in panel if gene not in found and gene not in ambiguous),
        ambiguous=unclear,
        renamed={gene: found[gene] for gene in panel if found.get(gene, gene) != gene},
    )
    _require_enough(mapping, vocabulary)
    _logger.info("%s", mapping.describe())
    return mapping


def _stages(vocabulary: Mapping[str, int], aliases: Mapping[str, str]) -> Iterator[Callable[[str], list[str]]]:
    """Ways to spell a gene, from the surest to the least sure; each returns the entries that fit."""
    by_case: dict[str, list[str]] = {}
    for entry in vocabulary:
        by_case.setdefault(entry.casefold(), []).append(entry)
    former: dict[str, list[str]] = {}
    for old, new in RENAMED.items():
        former.setdefault(new, []).append(old)

    def there(names: Iterable[str]) -> list[str]:
        return [name for name in names if name in vocabulary]

    yield lambda gene: there([aliases[gene]] if gene in aliases else [])
    yield lambda gene: there([gene])
    yield lambda gene: by_case.get(gene.casefold(), [])
    yield lambda gene: there([*([RENAMED[gene]] if gene in RENAMED else []), *former.get(gene, [])])


def _require_enough(mapping: GeneMapping, vocabulary: Mapping[str, int]) -> None:
    needed = max(1, min(ENOUGH, int(np.ceil(SHARE * len(mapping.genes)))))
    if len(mapping.at) < needed:
        raise InputError(
            f"genes: only {mapping.describe()}. The vocabulary holds {len(vocabulary)} names like "
            f"{list_some(list(vocabulary)[:3])}. Pass genes of the same species and in the same kind of name (symbols or "
            "Ensembl identifiers), or `aliases` from one to the other."
        )
