"""Where requests without a dose of their own are held: as in the training singles, or as in cells that were observed."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from scclamp._columns import unwrap
from scclamp._errors import InputError, InputWarning, did_you_mean, list_some
from scclamp.conditions import Conditions

if TYPE_CHECKING:
    from scclamp._clamps import ClampValues
    from scclamp._result import Result
    from scclamp.tl._requests import Requests


TENFOLD = math.log(10)
"""How far above the largest mean of its gene a dose passes without a warning."""
_SHOWN = 5


class Labels(NamedTuple):
    """Where the conditions of cells are written: the column, and the modality of a MuData."""

    perturbation_key: str
    mod: str | None


def usual_doses(result: Result) -> np.ndarray:
    """Where each regulator is held in its single-gene condition: its training mean, or 0; 1 for a latent one."""
    row = {str(target): i for i, target in enumerate(np.atleast_1d(result.conditions["targets"]))}
    values = np.asarray(result.conditions["clamp_values"], float)
    return np.array([values[row[gene], j] for j, gene in enumerate(result.regulators)])


def warn_extrapolated(requests: Requests, result: Result) -> None:
    """Name genes whose doses are far above all that was measured of them: `TENFOLD` above the largest mean of a condition."""
    given = np.where(requests.columns >= 0, requests.doses, np.nan)
    values = np.asarray(result.conditions["clamp_values"], float)
    measured = np.flatnonzero(result.regulator_rows >= 0)
    largest = np.ones(len(result.regulators))
    largest[measured] = np.maximum(values.max(0), result.control_mean[result.regulator_rows])[measured]
    row, at = np.nonzero(given > largest[requests.columns] + TENFOLD)
    if not len(row):
        return
    columns, doses = requests.columns[row, at], given[row, at]
    parts = [
        f"{result.regulators[j]!r} at {doses[columns == j].max():g} (largest mean {largest[j]:.3g})"
        for j in np.unique(columns)
    ]
    more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    message = (
        f"clamps: doses are more than tenfold, {TENFOLD:.1f} on the log scale, above the largest mean expression that the screen has of "
        f"the gene in the control or where it is perturbed: {', '.join(parts[:_SHOWN])}{more}. No cells say what happens there."
    )
    warnings.warn(message, InputWarning, stacklevel=3)


def fill_doses(
    requests: Requests, result: Result, clamp_values: ClampValues, source: Any, labels: Labels
) -> np.ndarray:
    """Return a dose for every held regulator; 0 where a request has fewer than others.

    Parameters
    ----------
    requests
        What to predict; doses that were given are kept.
    result
        The fit.
    clamp_values
        `"singles"`, or `"observed"`: the mean of each condition's own cells in `source`.
    source
        Data with those cells.
    labels
        Where their labels are.
    """
    if clamp_values == "observed" and result.params.get("clamp_values") == "knockout":
        raise InputError(
            "clamp_values='observed' reads doses off transcripts, but this network was fitted with clamp_values='knockout', "
            "where a transcript is no dose. Use clamp_values='singles', which holds knocked-out genes at zero, or give doses."
        )
    held = requests.columns >= 0
    open_ = held & np.isnan(requests.doses)
    if clamp_values == "singles" or not open_.any():
        default = usual_doses(result)[requests.columns]
    else:
        default = np.zeros(held.shape)
        rows = np.flatnonzero(open_.any(1))
        observed = _observed(requests, rows, result, source, labels)
        default[rows] = np.take_along_axis(observed, requests.columns[rows].clip(0), 1)
    return np.where(held, np.where(open_, default, requests.doses), 0.0)


def _observed(requests: Requests, rows: np.ndarray, result: Result, source: Any, labels: Labels) -> np.ndarray:
    """Mean expression of all regulators in the cells of each request (requests, regulators)."""
    conditions = Conditions.from_anndata(
        source,
        perturbation_key=labels.perturbation_key,
        control=result.params["control"],
        layer=result.params["layer"],
        mod=labels.mod,
        train_fraction=1.0,
        unmeasured="latent",
        rng=0,
    )
    at = {name: i for i, name in enumerate(conditions.names)}
    names = [requests.targets(result.regulators)[row] for row in rows]
    missing = [name for name in names if name not in at]
    if missing:
        hint = did_you_mean(missing[0], conditions.names)
        raise InputError(
            f"clamp_values='observed': {len(missing)} requested conditions have no cells in "
            f"obs[{conditions.perturbation_key!r}] of source: {list_some(missing)}.{hint} "
            "Use clamp_values='singles', pass source= with their cells, or give doses such as {'A': 2.1}."
        )
    measured = np.flatnonzero(result.regulator_rows >= 0)
    panel = unwrap(source, labels.mod).adata.var_names
    columns = panel.get_indexer(pd.Index([result.regulators[j] for j in measured]))
    if (columns < 0).any():
        lost = [result.regulators[j] for j in measured[columns < 0]]
        raise InputError(
            f"source does not measure {list_some(lost)}, which the fit clamps. Pass data with these genes."
        )
    values = np.ones((len(rows), len(result.regulators)))
    values[:, measured] = conditions.train_mean[[at[name] for name in names]][:, columns]
    return values
