"""Tests of the strongest targets of regulators against one library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._enrichment import bonferroni, coin_p, fold, overlap_p
from scclamp._errors import InputError, list_some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.tl._enrich_libraries import Library


@dataclass(frozen=True, eq=False)
class Top:
    """The strongest targets of one regulator.

    Parameters
    ----------
    regulator
        Its name.
    genes
        Names of its targets, the strongest first.
    at
        Their positions in the panel.
    signs
        Direction in which each is regulated: 1, -1, or 0 where nobody knows.
    """

    regulator: str
    genes: np.ndarray
    at: np.ndarray
    signs: np.ndarray

    @classmethod
    def of(cls, regulator: str, targets: pd.DataFrame, panel: Sequence[str]) -> Top:
        """Take the edges of one regulator from a table of `get.top_targets`; a weight of zero is no edge.

        Directions are those of effects where the table has them, else those of weights, which do not tell for a latent one.
        """
        mine = targets[(targets["regulator"] == regulator) & (targets["weight"] != 0)]
        genes = mine["target"].to_numpy(object)
        signs = mine["effect"] if "effect" in mine else mine["weight"].where(~mine["latent"], 0)
        at = pd.Index(panel).get_indexer(pd.Index(genes, dtype=object))
        return cls(regulator, genes, at, np.sign(signs.to_numpy()).astype(np.int64))


def overlaps(tops: Sequence[Top], library: Library, panel: int) -> pd.DataFrame:
    """One row for each regulator and set; of a network, for each regulator that it knows."""
    tables = [_overlaps(top, library, panel) for top in tops]
    if not any(len(table) for table in tables):
        raise InputError(
            f"gene_sets: {library.name} has no measured targets of {list_some([top.regulator for top in tops])}, but of "
            f"{list_some(library.terms)}. Name regulators= that it knows, or leave it out."
        )
    return pd.concat([table for table in tables if len(table)], ignore_index=True)


def _overlaps(top: Top, library: Library, panel: int) -> pd.DataFrame:
    network = library.signs is not None
    terms = [i for i, term in enumerate(library.terms) if not network or term == top.regulator]
    hit = library.members[np.ix_(terms, top.at)]
    counts = hit.sum(1), len(top.at), library.members[terms].sum(1), panel
    p = overlap_p(*counts)
    table = {
        "regulator": top.regulator,
        "library": library.name,
        "term": np.array([library.terms[i] for i in terms], object),
        **dict(zip(("overlap", "n_top", "set_size", "panel"), counts, strict=True)),
        "fold": fold(*counts),
        "p": p,
        "p_adjusted": bonferroni(p, len(terms)),
        "genes": np.array([",".join(top.genes[row]) for row in hit], object),
    }
    if library.signs is not None and terms:
        table |= _signs(top, hit[0], library.signs[terms[0], top.at])
    return pd.DataFrame(table)


def _signs(top: Top, hit: np.ndarray, known: np.ndarray) -> dict[str, float]:
    """Whether known targets have the known sign, and how many would if they were any of the strongest."""
    both = hit & (known != 0) & (top.signs != 0)
    n, agree = int(both.sum()), int((known == top.signs)[both].sum())
    share = {sign: float(np.mean(top.signs == sign)) for sign in (-1, 1)} if len(top.signs) else {}
    return {
        "n_signs": float(n),
        "sign_agreement": agree / n if n else np.nan,
        "sign_chance": float(np.mean([share[sign] for sign in known[both]])) if n else np.nan,
        "p_sign": coin_p(agree, n),
    }
