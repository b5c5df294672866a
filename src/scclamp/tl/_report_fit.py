"""Parts of a report about the screen and its fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp import get, pl
from scclamp._keys import CONTROL, SEPARATOR
from scclamp.metrics import pearson_delta
from scclamp.physics import Status
from scclamp.tl._report_page import Section, facts, picture, say, subtitle, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.tl._report_source import Source

_MOST_ROWS = 25
_MOST_REGULATORS = 12
_FEW_CELLS = 10
_LATENT = (
    "Not measured: {names}. Their weights say what their perturbation does to a target, not what their product does: after a loss "
    "of the product, a target that it activates has a negative weight. Neither sign nor size compares with those of measured "
    "regulators."
)
_COURSE_VALIDATED = (
    "Error of the predicted shifts in the cells that trained the network and in those that validated it. Training compares with "
    "means whose noise was removed, validation with the noisy means of other cells: its level at 'training means' is what those "
    "cells allow, and no network can beat it. A validation that rises would be overfitting; the dot is the network that was kept."
)
_COURSE = (
    "Error of the predicted shifts in the data that trained the network, whose noise was removed. There were no other cells to "
    "validate on, so that overfitting would not show here; the dot is the network that was kept."
)
_HOW = {
    "calibrated": " Combinations are predicted with the law of crowding.",
    "steady_state": " Combinations are predicted by the steady state alone, without the law of crowding.",
}
_HOLLOW = (
    " Hollow boxes were not measured: their edges are what their perturbation does, neither activation nor repression."
)
_COLUMNS = " The columns {names} were not measured: theirs is what the perturbation does, raise (red) or lower (blue)."


def screen_section(source: Source) -> Section:
    """What was perturbed, in how many cells."""
    conditions = source.result.conditions
    cells = np.asarray(conditions["train_n"]) + np.asarray(conditions["val_n"])
    names = np.asarray(source.names)
    perturbed = cells[names != CONTROL]
    combined = np.asarray([SEPARATOR in name for name in names], bool)
    few = int((perturbed < _FEW_CELLS).sum())
    body = facts(
        {
            **({} if source.file is None else {"file": source.file}),
            **source.labels,
            "observations": source.adata.n_obs,
            "genes measured and fitted": len(source.result.genes),
            "perturbed genes (regulators)": len(source.result.regulators),
            "single perturbations": int((~combined & (names != CONTROL)).sum()),
            "combinations": int(combined.sum()),
            "control observations": int(cells[names == CONTROL].sum()),
            "observations per perturbation": f"{int(np.median(perturbed))} (median), {perturbed.min()} to {perturbed.max()}",
            f"perturbations with fewer than {_FEW_CELLS}": few,
        }
    )
    return Section("The screen", body)


def fit_section(source: Source) -> Section:
    """How the fit went, and whether every condition settled."""
    diagnostics = source.result.diagnostics
    status = np.asarray(diagnostics["status"])
    unsettled = int((status != int(Status.CONVERGED)).any(0).sum())
    radius = float(np.max(np.asarray(diagnostics["spectral_radius"])))
    parts = [
        say(
            "Each condition is a state of the network in which the perturbed gene is held and every other gene has settled. "
            "All conditions were fitted together, with one network."
        ),
        facts(
            {
                "conditions that settled": f"{status.shape[1] - unsettled} of {status.shape[1]}",
                "largest spectral radius": f"{radius:.3f} (below 1: disturbances die out)",
                "epochs run": int(diagnostics["n_epochs"]),
                "epoch kept": _kept(np.atleast_1d(diagnostics["best_epoch"])),
                "members of the ensemble": int(source.result.params.get("n_members", 1)),
            }
        ),
        picture(
            pl.loss(source.data, mod=source.mod, key=source.key, return_fig=True),
            _COURSE_VALIDATED if np.any(np.asarray(source.result.conditions["val_n"]) > 0) else _COURSE,
        ),
    ]
    return Section("The fit", "\n".join(parts))


def _kept(epochs: np.ndarray) -> str:
    text = ", ".join(str(int(epoch)) for epoch in epochs)
    if epochs.max() > 1:
        return text
    return f"{text} (the start could not be improved upon: half-activations are those it began with, not estimates)"


def network_section(source: Source) -> Section:
    """The strongest edges as a picture, as a heatmap and as a table."""
    edges = get.adjacency(source.data, mod=source.mod, key=source.key)
    acting = edges.loc[edges["weight"] != 0, "regulator"].drop_duplicates()
    top = list(acting[:_MOST_REGULATORS])
    which = (
        f"all {len(acting)} regulators"
        if len(top) == len(acting)
        else f"the {len(top)} strongest of {len(acting)} regulators"
    )
    shared: dict[str, Any] = {"mod": source.mod, "key": source.key, "return_fig": True}
    latent = source.latent
    parts = [
        say(
            "An edge says that the level of a gene changes the production of another: positive weights raise it, negative ones "
            "lower it. Edges are what the responses to the perturbations ask for, direct contacts or not."
        ),
        *([say(_LATENT.format(names=", ".join(latent)))] if latent else []),
        picture(
            pl.network(source.data, top, n_targets=8, reference=source.reference, **shared),
            f"Strongest targets of {which}." + (_HOLLOW if latent else ""),
        ),
        picture(
            pl.adjacency(source.data, **shared),
            "Weights of all regulators (columns) on the genes with the strongest weights (rows). Red raises, blue lowers."
            + (_COLUMNS.format(names=", ".join(latent)) if latent else ""),
        ),
        subtitle(f"The {min(_MOST_ROWS, len(edges))} strongest of {len(edges):,} edges"),
        table(_marked(edges.head(_MOST_ROWS), latent)),
    ]
    return Section("The network", "\n".join(parts))


def _marked(edges: pd.DataFrame, latent: Sequence[str]) -> pd.DataFrame:
    """Edges to read; where regulators were not measured, with what the weight of each edge says."""
    shown = edges.drop(columns="latent", errors="ignore")
    if latent:
        of_latent = shown["regulator"].isin(latent)
        meaning = np.where(of_latent, "what its perturbation does (not measured)", "what its level does")
        shown = shown.assign(**{"the weight says": meaning})
    return shown.rename(columns={"sign_agreement": "members that agree on the sign"})


def condition_section(source: Source) -> Section:
    """Predicted against observed shifts of every condition, the best, the worst."""
    answer, observed = source.predicted, source.observed
    names, control = list(answer.obs_names), observed.loc[CONTROL].to_numpy(float)
    states, seen = answer.to_df("predicted").to_numpy(float), observed.loc[names].to_numpy(float)
    clamped = np.asarray([answer.var_names.isin(name.split(SEPARATOR)) for name in names])
    columns: dict[str, Any] = {"condition": names, "genes": [name.count(SEPARATOR) + 1 for name in names]}
    columns["r"] = pearson_delta(states, seen, control=control, exclude=clamped)
    for what, values in (("observed", seen), ("predicted", states)):
        columns[f"length of the {what} shift"] = np.linalg.norm(np.where(clamped, 0.0, values - control), axis=1)
    found = pd.DataFrame(columns).sort_values("r", ascending=False, ignore_index=True)
    shown = found if len(found) <= 2 * _MOST_ROWS else pd.concat([found.head(_MOST_ROWS), found.tail(_MOST_ROWS)])
    combined = found[found["genes"] > 1]
    pick = combined if len(combined) else found
    chosen = list(dict.fromkeys([*pick["condition"][:4], *pick["condition"][-4:]]))
    what = "combinations, which the fit never saw" if len(combined) else "perturbations, which the fit saw"
    parts = [
        say(
            "Each shift is a change from control over all genes that were not held; r is the correlation of the predicted with the "
            "observed one. Single perturbations trained the network, so that theirs says how well it fits; combinations did not."
            + _HOW[source.combination]
        ),
        picture(
            pl.predictions(answer, source.observed, conditions=chosen),
            f"The best and the worst predicted {what}. Each dot is a gene.",
        ),
        subtitle(
            "All conditions" if len(shown) == len(found) else f"The first and the last {_MOST_ROWS} of {len(found)}"
        ),
        table(shown),
    ]
    return Section("Condition by condition", "\n".join(parts))
