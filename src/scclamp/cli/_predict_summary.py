"""What predictions came to: a record for programs, and a text to read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._keys import SEPARATOR
from scclamp.cli._output import aligned
from scclamp.cli._ranking import RANKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_SHOWN = 12
"""Conditions whose largest shifts are read and printed."""


def summarise(answer: Any, n_top: int) -> dict[str, Any]:
    """Every condition, and the largest shifts of the first ones, of an AnnData in memory or in a file."""
    obs, genes, shifts = _look_into(answer) if isinstance(answer, Path) else _look_at(answer)
    largest = {}
    for name, clamped, shift in zip(obs.index[:_SHOWN], obs["targets"], np.asarray(shifts, float), strict=False):
        free = np.where(np.isin(genes, str(clamped).split(SEPARATOR)), 0.0, np.abs(shift))
        order = np.argsort(-free, kind="stable")[:n_top]
        largest[str(name)] = {str(genes[i]): float(shift[i]) for i in order if free[i] > 0}
    rows = obs.assign(status=obs["status"].astype(str)).to_dict("records")
    return {
        "n_genes": len(genes),
        "conditions": [{"condition": str(name), **row} for name, row in zip(obs.index, rows, strict=True)],
        "largest_shifts": largest,
    }


def to_text(record: Mapping[str, Any]) -> str:
    """The same, to read."""
    conditions, largest = record["conditions"], record["largest_shifts"]
    states = Counter(row["status"] for row in conditions)
    how = ", ".join(f"{n} {status}" for status, n in sorted(states.items()))
    ranks = record.get("ranks")
    rows = [
        (
            f"  {name}",
            *_rank(ranks, name),
            ", ".join(f"{gene} {shift:+.2f}" for gene, shift in shifts.items()) or "no shift",
        )
        for name, shifts in largest.items()
    ]
    left_out = record.get("n_measured_left_out", 0)
    more = len(conditions) - len(rows)
    return "\n".join(
        [
            f"Predicted {len(conditions)} condition{'s' * (len(conditions) > 1)} x {record['n_genes']} genes: {how}",
            *(
                [f"  without {left_out} that {'were' if left_out > 1 else 'was'} measured (--measured)"]
                if left_out
                else []
            ),
            *([f"Ranked by the length of the {RANKS[record['ranked_by']]} (first column)"] if ranks else []),
            "Largest shifts from control (of genes that are not held; change of the mean log expression)",
            *aligned(rows),
            *([f"  and {more} more"] if more else []),
        ]
    )


def _rank(ranks: Mapping[str, float] | None, name: str) -> tuple[str, ...]:
    return () if ranks is None else (f"{ranks[name]:.3f}" if np.isfinite(ranks[name]) else "-",)


def _look_at(answer: Any) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    return answer.obs, np.asarray(answer.var_names, str), answer.layers["shift"][:_SHOWN]


def _look_into(path: Path) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The same of a file, which may be larger than memory."""
    import anndata
    import h5py
    import zarr

    opened: Any = h5py.File(path) if path.suffix == ".h5ad" else zarr.open_group(path, mode="r")
    try:
        tables: Any = {name: anndata.io.read_elem(opened[name]) for name in ("obs", "var")}
        return tables["obs"], np.asarray(tables["var"].index, str), opened["layers"]["shift"][:_SHOWN]
    finally:
        if path.suffix == ".h5ad":
            opened.close()
