"""Names in the tables of a verdict: those of earlier versions as they are now, and those that need words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

CEILINGS = {"replicate": "other half of the cells (replicate)", "truth": "perfect prediction (truth)"}
"""What interactions are measured against, in words."""
_RENAMED = {"r_nonadditive": "rho_nonadd"}


def renamed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of scores, or of pairs, with today's names.

    Examples
    --------
    >>> import pandas as pd
    >>> renamed(pd.DataFrame({"metric": ["r", "r_nonadditive"]}))["metric"].tolist()
    ['r', 'rho_nonadd']
    >>> list(renamed(pd.DataFrame({"r_nonadditive": [0.4]})))
    ['rho_nonadd']
    """
    if "metric" in table:
        return table.assign(metric=table["metric"].astype(object).replace(_RENAMED))
    return table.rename(columns=_RENAMED)
