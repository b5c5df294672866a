"""What a fit came to: a record for programs, and a text to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._keys import SEPARATOR
from scclamp.cli._output import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from scclamp._result import Result

_SHOWN = 12
"""Regulators whose targets are printed."""


def summarise(result: Result, targets: pd.DataFrame) -> dict[str, Any]:
    """The fit in numbers, and the strongest targets of each regulator."""
    found: Any = result.diagnostics
    targeted: Any = result.conditions["targets"]
    settled = (found["status"] == 0).all(0)
    return {
        "n_genes": len(result.genes),
        "regulators": list(result.regulators),
        "not_measured": [name for name, row in zip(result.regulators, result.regulator_rows, strict=True) if row < 0],
        "n_singles": len(settled) - 1,
        "n_combinations": sum(SEPARATOR in str(genes) for genes in targeted),
        "n_members": int(result.params["n_members"]),
        "n_epochs": int(found["n_epochs"]),
        "kept_epoch": np.atleast_1d(found["best_epoch"]).tolist(),
        "validation_loss": np.atleast_1d(found["best_validation"]).tolist(),
        "spectral_radius": float(np.max(found["spectral_radius"])),
        "unsettled": [str(name) for name in found["condition"][~settled]],
        "n_settled": int(settled.sum()),
        "top_targets": {
            str(name): dict(zip(rows["target"], rows["weight"].astype(float), strict=True))
            for name, rows in targets.groupby("regulator", sort=False)
        },
    }


def to_text(record: Mapping[str, Any]) -> str:
    """The same, to read."""
    return "\n".join([*_network(record), *_targets(record["top_targets"], record["not_measured"])])


def _network(record: Mapping[str, Any]) -> list[str]:
    members = record["n_members"]
    kept = sorted(set(record["kept_epoch"]))
    when = f"epoch {kept[0]}" if len(kept) == 1 else f"epochs {kept[0]} to {kept[-1]}"
    loss = ", ".join(f"{value:.4g}" for value in record["validation_loss"])
    n_settled, unsettled = record["n_settled"], len(record["unsettled"])
    settled = f"{n_settled} of {n_settled + unsettled}" if unsettled else f"all {n_settled}"
    latent = f" ({len(record['not_measured'])} of them not measured)" if record["not_measured"] else ""
    lines = [
        f"Network of {len(record['regulators'])} regulators{latent} on {record['n_genes']} genes"
        + (f", {members} members" if members > 1 else ""),
        f"  fitted to {_count(record['n_singles'], 'perturbation')} of one gene; "
        f"{_count(record['n_combinations'], 'combination')} left for the verdict",
        f"  {_count(record['n_epochs'], 'epoch')}, {when} kept"
        + (" (0 is the start)" if kept[0] == 0 else "")
        + f", loss {loss}",
        f"  {settled} conditions settle, largest spectral radius {record['spectral_radius']:.2f} (stable below 1)",
    ]
    return lines


def _targets(targets: Mapping[str, Mapping[str, float]], latent: Sequence[str]) -> list[str]:
    """The strongest targets of the regulators with the strongest of all."""
    strongest = sorted(targets, key=lambda name: -max(map(abs, targets[name].values()), default=0.0))
    shown = [name for name in targets if name in strongest[:_SHOWN]]
    rows = [
        (f"  {name}", ", ".join(f"{gene} {weight:+.2f}" for gene, weight in targets[name].items())) for name in shown
    ]
    rest = len(targets) - len(shown)
    more = [f"  and {_count(rest, 'regulator')} with weaker ones (--edges writes all)"] if rest else []
    title = "Strongest targets (+ activates, - represses)"
    if set(latent).intersection(shown):
        title = f"{title[:-1]}; of genes that are not measured: responses to the perturbation)"
    return [title, *aligned(rows), *more]


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
