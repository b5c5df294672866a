"""One column of perturbation labels, read, and what must hold of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._errors import InputError, did_you_mean, list_some
from scclamp._keys import CONTROL, SEPARATOR
from scclamp._labels import LabelReport, parse_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from anndata import AnnData

    from scclamp._columns import Table

    Parser = Callable[..., LabelReport]


@dataclass(frozen=True)
class Reading:
    """The perturbation column of a data set, read.

    Parameters
    ----------
    key
        Name of the column.
    report
        How its labels were read.
    raw
        Label of each observation; missing ones are empty.
    guessed
        Whether its content alone says that it holds perturbations, not its name.
    """

    key: str
    report: LabelReport
    raw: pd.Categorical
    guessed: bool = False

    def names(self) -> np.ndarray:
        """Canonical name of each observation; empty where there is none."""
        table = [self.report.mapped.get(label, "") for label in self.raw.categories]
        return np.array([*table, ""], dtype=object)[self.raw.codes]

    def names_genes(self, adata: AnnData) -> bool:
        """Whether at least one target is a gene of the panel."""
        return any(g in adata.var_names for targets in self.report.targets.values() for g in targets)

    def controls(self) -> list[str]:
        """Labels that were read as the control, as they are written."""
        return [str(label) for label in self.raw.categories if self.report.mapped.get(label) == CONTROL]

    def dropped(self) -> dict[str, int]:
        """Number of observations left out for each label that names no perturbation, missing ones under ''."""
        counts = np.bincount(self.raw.codes + 1, minlength=len(self.raw.categories) + 1)
        found = {"": int(counts[0])} if counts[0] else {}
        for label, count in zip(self.raw.categories, counts[1:], strict=True):
            if label in self.report.dropped and count:
                found[label] = found.get(label, 0) + int(count)
        return found


def read_labels(table: Table, key: str, controls: list[str] | None, parse: Parser, argument: str) -> Reading:
    raw = categories_of(table.read(key, argument))
    genes: Collection[str] = table.adata.var_names
    if key == table.harmonised:
        # Its separator is known, so that a gene which was not measured may hold any other.
        genes = {*genes, *(part for label in raw.categories for part in str(label).split(SEPARATOR))}
    return Reading(key, parse(raw.categories, genes=genes, control=controls), raw)


def require_readable(reading: Reading, parse: Parser) -> None:
    # Who calls with another parser, as pp.perturbations does, has its own remedies.
    guides = f" Guides, plasmids and contexts are read by scclamp.pp.perturbations(adata, key={reading.key!r})."
    remedy = guides if parse is parse_labels else ""
    if CONTROL not in reading.report.mapped.values():
        remedy += " None of the labels was recognised as the control: if it is among these, pass it as control=."
    reading.report.require_readable(f"obs[{reading.key!r}]", remedy)


def categories_of(column: pd.Series) -> pd.Categorical:
    """Labels as text with unused ones removed; missing ones keep the code -1."""
    labels = column.array if isinstance(column.dtype, pd.CategoricalDtype) else pd.Categorical(column.astype(object))
    used = labels.remove_unused_categories()
    text = [str(c) for c in used.categories]
    unique = list(dict.fromkeys(text))
    recode = np.array([*(unique.index(t) for t in text), -1]) if len(unique) < len(text) else None
    codes = used.codes if recode is None else recode[used.codes]
    return pd.Categorical.from_codes(codes, categories=pd.Index(unique, dtype=object))


def frequent(raw: pd.Categorical) -> str:
    counts = np.bincount(raw.codes[raw.codes >= 0], minlength=len(raw.categories))
    order = np.argsort(-counts, kind="stable")
    return list_some([str(raw.categories[i]) for i in order[:5]], 5) or "none"


def require_controls(reading: Reading, controls: list[str] | None) -> None:
    if controls is None:
        return
    present = {str(c).strip() for c in reading.raw.categories}
    for label in controls:
        if label.strip() not in present:
            msg = (
                f"control={label!r} does not occur in obs[{reading.key!r}].{did_you_mean(label, present)} "
                f"The most frequent labels are {frequent(reading.raw)}."
            )
            raise InputError(msg)
