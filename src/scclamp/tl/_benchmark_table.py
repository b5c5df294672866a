"""From scores of single targets to one row for each predictor, split, seed and subgroup."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from scclamp._errors import list_some
from scclamp.metrics._bootstrap_ci import FEWEST, tails
from scclamp.tl._benchmark_cells import SCORES

RESAMPLES = 2000
LACKS = "cannot predict genes without singles that train"
UNFITTED = "has no combinations that train to fit its free constant to"
"""Why a target is not predicted."""
KEYS = ["split", "seed", "subgroup", "predictor"]


def target_rows(
    cell: dict[str, Any], names: list[str], subgroups: list[str], result: dict[str, Any], why: str = LACKS
) -> pd.DataFrame:
    """One row for each target of a cell; those that were not predicted say why."""
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
    scores = {name: np.asarray(result["scores"][name], float) for name in SCORES}
    return frame.assign(**scores, note=["" if possible else why for possible in result["predicted"]])


def summarise(rows: pd.DataFrame, nulls: list[str]) -> pd.DataFrame:
    """Means over targets that a predictor can predict, and its skill over the strongest null on the same ones."""
    found = []
    for (split, seed, subgroup), group in rows.groupby(["split", "seed", "subgroup"], sort=False):
        errors = group.pivot_table(index="target", columns="predictor", values="mse", dropna=False, sort=False)
        for predictor, own in group.groupby("predictor", sort=False):
            possible = own["predicted"].to_numpy(bool)
            names = own["target"][possible]
            scores = own.loc[possible, list(SCORES)].mean() if possible.any() else dict.fromkeys(SCORES, np.nan)
            if own.loc[possible, "mse"].isna().any():
                # A prediction that is not finite: means over the others would flatter.
                scores = dict.fromkeys(SCORES, np.nan)
            found.append(
                {
                    **dict(zip(KEYS, (split, seed, subgroup, predictor), strict=True)),
                    "n_targets": len(own),
                    "n_predicted": int(possible.sum()),
                    **dict(scores),
                    **_skill(errors.loc[names], str(predictor), nulls),
                    "seconds": float(own["seconds"].iloc[0]),
                    "note": _explain(own),
                }
            )
    return pd.DataFrame(found)


def _explain(own: pd.DataFrame) -> str:
    """Why some targets were not predicted, and which; empty where all were."""
    left_out = own[~own["predicted"].astype(bool)]
    if not len(left_out):
        return ""
    return f"{left_out['note'].iloc[0]}: {list_some(left_out['target'], 3)}"


def _skill(errors: pd.DataFrame, predictor: str, nulls: list[str]) -> dict[str, Any]:
    """One minus the error over that of the strongest null, with its paired 95 % interval over targets.

    Only nulls that can predict every one of the targets count; in a resample the strongest is found anew.
    """
    possible = [null for null in nulls if null in errors and len(errors) and errors[null].notna().all()]
    found = {"skill": np.nan, "skill_low": np.nan, "skill_high": np.nan, "strongest_null": ""}
    if not possible or errors[predictor].isna().any():
        return found
    n = len(errors)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    weights = np.concatenate([np.ones((1, n)), drawn])
    totals = pd.DataFrame(weights @ errors.fillna(0.0).to_numpy(), columns=errors.columns)
    below = totals[possible].min(axis=1)
    found["strongest_null"] = str(totals.loc[0, possible].astype(float).idxmin())
    if (below > 0).all():
        skills = (1 - totals[predictor] / below).to_numpy()
        found["skill"] = float(skills[0])
        if n >= FEWEST:
            found["skill_low"], found["skill_high"] = map(float, np.quantile(skills[1:], tails(n)))
    return found
