"""Part of a report about the perturbed genes: what their perturbation did to their own expression, and where they were held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._keys import CONTROL
from scclamp.tl._doses import usual_doses
from scclamp.tl._report_page import Section, long_table, say

if TYPE_CHECKING:
    from scclamp._result import Result
    from scclamp.tl._report_source import Source

_MOST_ROWS = 25
_LITTLE = 0.1
"""Change of the mean log expression that nobody calls one."""


def regulator_section(source: Source) -> Section:
    """Each perturbed gene with its cells and its own expression."""
    rows = regulators_of(source.result, source.observed)
    counts = rows["its own expression"].value_counts()
    parts = [
        say(
            "What each perturbation did to the expression of its own gene, as mean log-normalised expression: raised, lowered, or "
            f"neither (by less than {_LITTLE}). A nuclease may destroy a protein and leave its transcript; interference and activation "
            "that leave it have failed. 'held at' is the value that the network holds the gene at."
        ),
        say(f"Of {len(rows):,} genes: {', '.join(f'{n:,} {word}' for word, n in counts.items())}."),
        long_table(rows, _MOST_ROWS),
    ]
    return Section("The perturbed genes", "\n".join(parts))


def regulators_of(result: Result, observed: pd.DataFrame) -> pd.DataFrame:
    """One row for each regulator.

    Parameters
    ----------
    result
        The fit.
    observed
        Mean of each condition (conditions, genes).
    """
    conditions: Any = result.conditions
    cells = np.asarray(conditions["train_n"]) + np.asarray(conditions["val_n"])
    n = dict(zip(map(str, np.atleast_1d(conditions["names"])), cells.tolist(), strict=True))
    rows = []
    for name, row, dose in zip(result.regulators, result.regulator_rows, usual_doses(result), strict=True):
        before = after = np.nan
        if row >= 0:
            own = observed[name].to_dict()
            before, after = (float(own.get(condition, np.nan)) for condition in (CONTROL, name))
        rows.append((name, n.get(name, 0), before, after, _word(after - before, measured=row >= 0), float(dose)))
    columns = ["regulator", "observations", "in the control", "where perturbed", "its own expression", "held at"]
    return pd.DataFrame(rows, columns=columns)


def _word(change: float, *, measured: bool) -> str:
    if not measured:
        return "not measured (latent dose)"
    if not np.isfinite(change):
        return "not perturbed alone"
    return "about the same" if abs(change) < _LITTLE else "raised" if change > 0 else "lowered"
