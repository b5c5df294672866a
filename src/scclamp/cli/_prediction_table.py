"""Predictions as a table in which what is compared has one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp.cli._ranking import departures

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


def table_of(answer: AnnData, *, genes: list[str] | None, observed: Any, key: str) -> pd.DataFrame:
    """Levels (`predicted`, `additive`, `observed`) and changes from the predicted control (`shift`, `additive_shift`, `departure`).

    Parameters
    ----------
    answer
        What `tl.predict_clamps` returned.
    genes
        Genes to list; all by default.
    observed
        Cells whose means are listed too.
    key
        Name of the fit.
    """
    import pandas as pd

    from scclamp import get

    table = get.predictions(answer, genes=genes, observed=observed, key=key)
    columns = answer.var_names.get_indexer(pd.Index(table["gene"]))
    rows = answer.obs_names.get_indexer(pd.Index(table["condition"]))
    control = answer.var["control"].to_numpy()[columns]
    at = list(table.columns).index("additive")
    table.insert(at + 1, "additive_shift", (table["additive"] - control).astype(np.float32))
    table.insert(at + 2, "departure", departures(answer)[rows, columns].astype(np.float32))
    return table
