"""What regulators do to their targets in one unit, whether they are measured or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from scclamp._arguments import require_choice
from scclamp.fitting.ensemble import estimate
from scclamp.fitting.load import load_dynamics, stored_point

if TYPE_CHECKING:
    from scclamp._result import Result

Effect = Literal["gain", "loss"]
_CHUNK = 32
"""Regulators moved at a time, so that a large panel needs no more memory than its network."""


def product_effects(result: Result, effect: Effect, columns: np.ndarray) -> np.ndarray:
    """How far each regulator's product moves every gene directly (genes, regulators), 0 where its perturbation moved nothing.

    That is the change of what a gene relaxes to, when one regulator goes from the control to its perturbation and all others
    stay in the control; of perturbations known to be a loss, the other way round. A latent regulator goes from 0 to 1.

    Parameters
    ----------
    result
        The fit.
    effect
        What the perturbations did to the gene product.
    columns
        Positions of the regulators.
    """
    require_choice("effect", effect, ("gain", "loss"))
    # Effects are differences of states: in double precision small ones keep their sign.
    dynamics = load_dynamics(result).double()
    control = torch.as_tensor(np.where(_latent(result), 0.0, result.control_mean[result.regulator_rows]).astype(float))
    perturbed = torch.as_tensor(_doses(result, control.numpy()))
    found = np.empty((len(result.genes), len(columns)))
    with torch.no_grad():
        rest = dynamics.relax(_states(dynamics, control[None]))
        for start in range(0, len(columns), _CHUNK):
            part = torch.as_tensor(columns[start : start + _CHUNK])
            states = control.repeat(len(part), 1)
            states[torch.arange(len(part)), part] = perturbed[part]
            moved = dynamics.relax(_states(dynamics, states)) - rest
            found[:, start : start + len(part)] = estimate(moved, stored_point(result)).numpy().T
    return found if effect == "gain" else -found


def _latent(result: Result) -> np.ndarray:
    return result.regulator_rows < 0


def _doses(result: Result, control: np.ndarray) -> np.ndarray:
    """Where each regulator was held alone; as in the control where it never was."""
    conditions: Any = result.conditions
    row = {str(target): i for i, target in enumerate(np.atleast_1d(conditions["targets"]))}
    held = np.array(control, float)
    for j, name in enumerate(result.regulators):
        if name in row:
            held[j] = conditions["clamp_values"][row[name], j]
    return held


def _states(dynamics: Any, x: torch.Tensor) -> torch.Tensor:
    """The same states for every member."""
    return x.expand(*dynamics.batch_shape, *x.shape)
