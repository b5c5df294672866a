"""Which group each combination belongs to, such as a kind of genetic interaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from scclamp._columns import unwrap
from scclamp._errors import InputError, list_some
from scclamp._labels import canonical, parse_labels

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def groups_of(
    data: Any,
    categories: str | Mapping[str, str] | None,
    names: Sequence[str],
    *,
    genes: Collection[str],
    params: Mapping[str, Any],
    mod: str | None,
) -> pd.Series:
    """Group of each combination; missing where it has none.

    Parameters
    ----------
    data
        AnnData or MuData, of whose `obs` a column may be meant.
    categories
        That column, or a mapping from combinations, their genes in any order; None groups nothing.
    names
        The combinations by canonical name.
    genes
        Names known to be genes.
    params
        Of the fit: its `perturbation_key` and `control`.
    mod
        Modality of a MuData.
    """
    if categories is None:
        return pd.Series([None] * len(names), dtype=object)
    if isinstance(categories, str):
        table = unwrap(data, mod)
        labels = pd.Series(table.read(params["perturbation_key"], "perturbation_key")).astype(str)
        groups = pd.Series(table.read(categories, "categories"))
        known = _of_labels(labels, groups, categories)
        mapped = parse_labels(list(known), genes=genes, control=params["control"]).mapped
    else:
        known = {str(name): group for name, group in categories.items()}
        mapped = {name: canonical(name, genes=genes) for name in known}
    by_name = {mapped.get(label): group for label, group in known.items()}
    found = [None if pd.isna(group := by_name.get(name)) else str(group) for name in names]
    if not any(found) or "all" in found:
        what = "names the group 'all', which is that of all combinations" if any(found) else "groups none of them"
        raise InputError(f"categories {what}. The combinations are such as {list_some(names, 3)}.")
    return pd.Series(found, dtype=object)


def _of_labels(labels: pd.Series, groups: pd.Series, column: str) -> dict[str, Any]:
    """Group of each label, which all its cells must share."""
    table = pd.DataFrame({"label": labels.to_numpy(), "group": groups.astype(object).to_numpy()}).dropna()
    table = table.drop_duplicates()
    if len(twice := table[table["label"].duplicated()]):
        raise InputError(
            f"categories={column!r} has several groups of {list_some(list(twice['label'].unique()), 3)}. Give all cells of a "
            "combination the same."
        )
    return dict(zip(table["label"], table["group"], strict=True))
