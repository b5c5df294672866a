"""Tables of edges, whatever their columns are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._errors import InputError, list_some

if TYPE_CHECKING:
    from collections.abc import Sequence

PAIR = ["source", "target"]


def as_edges(name: str, table: pd.DataFrame, wanted: Sequence[str] = PAIR) -> pd.DataFrame:
    """Give the table of `get.adjacency` the columns of a ranking: the regulator is the source, the size of the weight the score."""
    if "source" not in table and "regulator" in table:
        table = table.rename(columns={"regulator": "source"})
    if "weight" in table:
        weight = pd.to_numeric(table["weight"], errors="coerce")
        own = {"score": weight.abs(), "sign": np.sign(weight)}
        table = table.assign(**{column: values for column, values in own.items() if column not in table})
    missing = [column for column in wanted if column not in table]
    if missing:
        raise InputError(
            f"{name} has no column {missing[0]!r} but {list_some(table.columns)}. Give a table with {', '.join(wanted)}, or that of "
            "get.adjacency."
        )
    return table
