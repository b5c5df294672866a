"""From scores of single targets to one row for each predictor, split, seed and subgroup."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from scclamp import metrics
from scclamp.tl._benchmark_cells import SCORES

KEYS = ["split", "seed", "subgroup", "predictor"]


def target_rows(cell: dict[str, Any], names: list[str], subgroups: list[str], result: dict[str, Any]) -> pd.DataFrame:
    """One row for each target of a cell."""
    frame = pd.DataFrame(
        {
            "split": cell["split"],
            "seed": cell["seed"],
            "subgroup": subgroups,
            "predictor": cell["predictor"],
            "target": names,
            "predicted": result["predicted"],
            "seconds": result["seconds"],
        }
    )
    return frame.assign(**{name: np.asarray(result["scores"][name], float) for name in SCORES})


def summarise(rows: pd.DataFrame, nulls: list[str]) -> pd.DataFrame:
    """Means over targets that a predictor can predict, and its skill over the strongest null on the same ones."""
    found = []
    for (split, seed, subgroup), group in rows.groupby(["split", "seed", "subgroup"], sort=False):
        errors = group.pivot_table(index="target", columns="predictor", values="mse", dropna=False, sort=False)
        for predictor, own in group.groupby("predictor", sort=False):
            possible = own["predicted"].to_numpy(bool)
            names = own["target"][possible]
            scores = own.loc[possible, list(SCORES)].mean() if possible.any() else dict.fromkeys(SCORES, np.nan)
            found.append(
                {
                    **dict(zip(KEYS, (split, seed, subgroup, predictor), strict=True)),
                    "n_targets": len(own),
                    "n_predicted": int(possible.sum()),
                    **dict(scores),
                    **_skill(errors.loc[names], str(predictor), nulls),
                    "seconds": float(own["seconds"].iloc[0]),
                }
            )
    return pd.DataFrame(found)


def _skill(errors: pd.DataFrame, predictor: str, nulls: list[str]) -> dict[str, Any]:
    """One minus the error over that of the strongest null; only nulls that can predict every one of the targets."""
    possible = [null for null in nulls if null in errors and len(errors) and errors[null].notna().all()]
    if not possible:
        return {"skill": np.nan, "strongest_null": ""}
    value = metrics.skill(errors[predictor].to_numpy(), errors[possible].to_numpy())
    return {"skill": value, "strongest_null": str(errors[possible].sum().idxmin())}
