"""Turns a finished trainer into the result that is stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from scclamp._digest import load_json
from scclamp._keys import SEPARATOR, Keys
from scclamp._result import Result, Value
from scclamp.fitting import effective_weights, to_arrays
from scclamp.fitting.ensemble import Point, estimate, spread
from scclamp.physics import Damped, steady_state

if TYPE_CHECKING:
    from anndata import AnnData

    from scclamp.conditions import Conditions
    from scclamp.fitting import Trainer

_FINAL_TOL, _FINAL_STEPS = 1e-5, 2000


def summarise(trainer: Trainer, conditions: Conditions, call: dict[str, Any]) -> Result:
    """Weights, kinetics, history and diagnostics of the restored network."""
    point: Point = call["point"]
    arrays = to_arrays(trainer.dynamics)
    weights = effective_weights(trainer.dynamics).cpu()
    n_members, around = len(weights), spread(weights, point)
    members = {name: value for name, value in arrays.items() if n_members > 1 or name not in ("A", "b")}
    kinetics: dict[str, Value] = {
        name: estimate(value.detach(), point).cpu().numpy() for name, value in trainer.dynamics.named_values().items()
    }
    return Result(
        A=estimate(weights, point).numpy(),
        A_sd=None if around is None else around.numpy(),
        b=estimate(trainer.dynamics.b.detach(), point).cpu().numpy(),
        genes=conditions.genes,
        regulators=conditions.regulators,
        regulator_rows=conditions.regulator_rows,
        control_mean=conditions.usual_mean[0].astype(arrays["b"].dtype),
        kinetics=kinetics,
        history=_history(trainer),
        params={
            "config": dataclasses.asdict(trainer.config),
            "n_members": n_members,
            "perturbation_key": conditions.perturbation_key,
            "control": conditions.control,
            "layer": conditions.layer,
            "mod": conditions.mod,
            "split": conditions.split,
            **call,
        },
        members=members,
        conditions=_conditions(conditions),
        diagnostics=_diagnostics(trainer, conditions),
    )


def drop_derived(adata: AnnData, key: str) -> list[str]:
    """Remove what was derived from an earlier fit under this key, under any name; return the fields that are gone.

    These are states, enrichments and verdicts.
    """
    keys = Keys(key)
    dropped = [f"layers[{keys.predicted!r}]"] if adata.layers.pop(keys.predicted, None) is not None else []
    tables = list(dict.fromkeys([keys.enrichment, *_enrichments(adata, key)]))
    for table in tables:
        adata.uns.pop(f"{table}_params", None)
    there = [name for name in (*tables, *_verdicts(adata, key)) if name in adata.uns]
    for name in there:
        del adata.uns[name]
    return [*dropped, *(f"uns[{name!r}]" for name in there)]


def _enrichments(adata: AnnData, key: str) -> list[str]:
    """Keys of `uns` under which `tl.enrich` tested the fit of this key."""
    found = []
    for name, value in adata.uns.items():
        table = str(name).removesuffix("_params")
        if table != name and isinstance(value, str) and isinstance(adata.uns.get(table), pd.DataFrame):
            params = _parsed(value)
            found += [table] if {"libraries", "key"} <= set(params) and params["key"] == key else []
    return found


def _parsed(text: str) -> Mapping[str, Any]:
    """What a JSON text maps; nothing when it is somebody else's text."""
    try:
        found = load_json(text)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _verdicts(adata: AnnData, key: str) -> list[str]:
    """Keys of `uns` under which `tl.evaluate` judged the fit of this key."""
    found = []
    for name, value in adata.uns.items():
        if isinstance(value, Mapping) and {"scores", "pairs", "report", "params"} <= set(value):
            judged = value["params"].get("key", str(name).removesuffix("_evaluation"))
            found += [name] if judged == key else []
    return found


def _conditions(conditions: Conditions) -> dict[str, Any]:
    return {
        "names": np.array(conditions.names),
        "targets": np.array([SEPARATOR.join(t) for t in conditions.targets]),
        "clamp_mask": conditions.clamp_mask,
        "clamp_values": conditions.usual_values,
        "complete": conditions.complete,
        "train_n": conditions.train_n,
        "val_n": conditions.val_n,
    }


def _history(trainer: Trainer) -> pd.DataFrame:
    """One row for each epoch and member."""
    n_members = len(trainer.best_loss)
    columns = {name: np.asarray(values, dtype=float).reshape(-1) for name, values in trainer.history.items()}
    epochs = np.repeat(np.arange(trainer.epoch), n_members)
    members = np.tile(np.arange(n_members), trainer.epoch)
    return pd.DataFrame({"epoch": epochs, "member": members, **columns})


def _diagnostics(trainer: Trainer, conditions: Conditions) -> dict[str, Any]:
    """How well each training condition settles in the restored network (members, conditions)."""
    problem, config = trainer.problem, trainer.config
    solution = steady_state(
        trainer.dynamics,
        problem.mask,
        problem.values,
        solver=Damped(config.damping, min(config.tol, _FINAL_TOL), _FINAL_STEPS),
        # From where the best network was: with several attractors, another start may end at another one.
        core0=trainer.core if trainer.best_core is None else trainer.best_core,
    )
    names = conditions.select(conditions.singles & (conditions.train_n > 0)).names
    targets = trainer.objective.shifts
    levels = {"no_change": torch.zeros_like(targets), "targets": targets}
    return {
        "condition": np.array(names),
        "status": solution.status.cpu().numpy(),
        "residual": solution.residual.cpu().numpy(),
        "iterations": solution.iterations.cpu().numpy(),
        "spectral_radius": solution.spectral_radius.cpu().numpy(),
        "core": solution.core.cpu().numpy(),
        "at_bounds": solution.at_bounds.cpu().numpy(),
        "best_epoch": trainer.best_epoch.cpu().numpy(),
        "best_validation": trainer.best_loss.cpu().numpy(),
        # Between these lies what a network can do: the second has learned its training means by heart.
        **{f"validation_{name}": _level(trainer, shifts) for name, shifts in levels.items()},
        "n_epochs": trainer.epoch,
        "limit_reached": _limit_reached(trainer),
    }


def _limit_reached(trainer: Trainer) -> np.ndarray:
    """Whether each member was still within its patience when the longest fit was over."""
    waited = trainer.epoch - 1 - trainer.best_epoch.cpu().numpy()
    limited: np.ndarray = (waited < trainer.config.patience) & (trainer.epoch >= trainer.config.max_epochs)
    return limited


def _level(trainer: Trainer, shifts: torch.Tensor) -> np.ndarray:
    """Validation loss of some shifts for each member."""
    level: np.ndarray = trainer.objective.validation_of(shifts).expand(len(trainer.best_loss)).cpu().numpy()
    return level
