"""The table of a benchmark, to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp._take_home import Skill, compare
from scclamp.cli._output import aligned

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

_NETWORK = "clamp"
_HOLDS = {
    "additive": "combinations were held out",
    "cells": "other cells of the same perturbations",
    "low_sample": "5 cells of each of these perturbations train, and all cells of the others; their other cells judge",
}


def to_text(scores: pd.DataFrame, nulls: Collection[str], *, combined: bool) -> str:
    """One block for each split and kind of target, the smallest error first; figures are means over seeds."""
    lines = [] if combined else ["No combinations were measured: predictions of single perturbations are judged."]
    for (split, subgroup), group in scores.groupby(["split", "subgroup"], sort=False):
        lines += ["", _heading(str(split), str(subgroup), group)]
        lines += aligned([("  predictor", "r", "skill", ""), *_rows(group, nulls)])
        lines += _verdict(group)
    lines += [
        "",
        "r correlates predicted with observed shifts. Skill is 1 - MSE / MSE of the strongest null on the same targets: above 0 is",
        "better than everything simple; its 95 % interval over targets needs five of them. `clamp` is the network.",
    ]
    return "\n".join(lines)


def _verdict(group: pd.DataFrame) -> list[str]:
    """How the network does beside the strongest null, in words; of several seeds only what all agree on."""
    own = group[group["predictor"] == _NETWORK]
    if not len(own) or not np.isfinite(own["skill"].to_numpy(float)).all():
        return []
    ends = own[["skill_low", "skill_high"]].to_numpy(float)
    words = {compare(Skill(*interval)) for interval in ends.tolist()}
    word = words.pop() if len(words) == 1 else "cannot be told from"
    names = list(dict.fromkeys(own["strongest_null"].astype(str).str.replace("_", " ")))
    few = " (too few targets for an interval)" if own["skill_low"].isna().all() else ""
    return [f"  The network {word} the strongest null ({' or '.join(names)}){few}."]


def _heading(split: str, subgroup: str, group: pd.DataFrame) -> str:
    seeds, targets = group["seed"].nunique(), sorted(group["n_targets"].unique())
    what = f" ({_HOLDS[split]})" if split in _HOLDS else ""
    n = str(targets[0]) if len(targets) == 1 else f"{targets[0]} to {targets[-1]}"
    return f"Split {split}{what}: {n} targets, {subgroup.replace('_', ' ')}" + (f", {seeds} seeds" if seeds > 1 else "")


def _rows(group: pd.DataFrame, nulls: Collection[str]) -> list[tuple[str, str, str, str]]:
    rows = []
    for name, own in group.groupby("predictor", sort=False):
        r, skill, error = (float(own[column].mean()) for column in ("pearson_delta", "skill", "mse"))
        shown = _number(skill)
        if len(own) == 1 and np.isfinite(own["skill_low"].iloc[0]):
            shown += f" [{_number(own['skill_low'].iloc[0])}, {_number(own['skill_high'].iloc[0])}]"
        why = "null" if name in nulls else str(own["note"].iloc[0])
        rows.append((np.nan_to_num(error, nan=np.inf), (f"  {str(name).replace('_', ' ')}", _number(r), shown, why)))
    return [cells for _, cells in sorted(rows, key=lambda row: row[0])]


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"
