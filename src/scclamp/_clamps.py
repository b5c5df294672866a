"""From sums over groups of cells to means, and from means to the values at which genes are held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy.sparse as sp

from scclamp._errors import InputError, list_some
from scclamp._split import TRAIN, VALIDATION, bootstrap_weights, require_resamplable
from scclamp._streaming import selector

if TYPE_CHECKING:
    from scclamp._assignment import Assignment

ClampValues = Literal["singles", "observed"]
"""Where a prediction holds genes: at their means in the single-gene conditions, or in the cells of the combination."""
Held = Literal["singles", "observed", "knockout"]
"""Where conditions hold genes: as above, or at zero, for a product that is lost while its transcript remains."""


def stack_groups(cells: Assignment, n_bootstrap: int, rng: np.random.Generator) -> sp.csc_array:
    """Selectors of the training, validation and resampled cells of every condition, stacked.

    The first replicate is the training cells as they are, which are there already.
    """
    n = len(cells.names)
    parts = [selector(np.where(cells.roles == role, cells.codes, -1), n) for role in (TRAIN, VALIDATION)]
    if n_bootstrap > 1:
        require_resamplable(n_bootstrap, cells.counts(TRAIN), cells.names)
        parts.append(selector(cells.codes, n, bootstrap_weights(cells.codes, cells.roles, n_bootstrap - 1, rng)))
    return sp.vstack(parts, format="csc")


def group_means(cells: Assignment, sums: np.ndarray, n_bootstrap: int) -> dict[str, np.ndarray]:
    """Mean expression and number of cells of each condition, from the sums over the stacked selectors."""
    train_n, val_n = cells.counts(TRAIN), cells.counts(VALIDATION)
    blocks = sums.reshape(-1, len(cells.names), sums.shape[1])

    def mean(total: np.ndarray, n: np.ndarray) -> np.ndarray:
        return np.where(n[:, None] > 0, total / np.maximum(n, 1)[:, None], np.nan)

    train = mean(np.concatenate([blocks[:1], blocks[2:]]) if n_bootstrap else blocks[0], train_n)
    return {"train_mean": train, "val_mean": mean(blocks[1], val_n), "train_n": train_n, "val_n": val_n}


def clamps(
    cells: Assignment, genes: tuple[str, ...], means: dict[str, np.ndarray], clamp_values: Held
) -> dict[str, Any]:
    """Regulators, and where each condition holds which of them."""
    regulators = cells.regulators
    column = {g: r for r, g in enumerate(regulators)}
    row_of = {g: i for i, g in enumerate(genes)}
    rows = np.array([row_of.get(g, -1) for g in regulators], np.int64)
    mask = np.zeros((len(cells.names), len(regulators)), bool)
    for c, targets in enumerate(cells.targets):
        mask[c, [column[g] for g in targets if g in column]] = True
    latent = rows < 0
    mean = means["train_mean"]
    if clamp_values == "observed":
        _require_observed(cells, mask, means["train_n"])
        held = mean[..., :, rows]
    else:
        at = [cells.names.index(g) for g in regulators]
        held = np.broadcast_to(mean[..., at, rows][..., None, :], (*mean.shape[:-1], len(rows)))
    if clamp_values == "knockout":
        held = np.zeros_like(held)
    held = np.where(latent, 1.0, held)
    complete = np.array([all(g in column for g in targets) for targets in cells.targets])
    return {
        "regulators": regulators,
        "regulator_rows": rows,
        "clamp_mask": mask | latent,
        "clamp_values": np.where(mask, held, 0.0),
        "complete": complete,
    }


def _require_observed(cells: Assignment, mask: np.ndarray, train_n: np.ndarray) -> None:
    missing = [cells.names[c] for c in np.flatnonzero((train_n == 0) & mask.any(1))]
    if missing:
        msg = (
            f"clamp_values='observed' needs training cells of every condition; {list_some(missing)} have none. "
            "Use clamp_values='singles', or give them training cells."
        )
        raise InputError(msg)
