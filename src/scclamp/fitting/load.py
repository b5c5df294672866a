"""From a stored result to the dynamics that were fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp._digest import dump_json
from scclamp.fitting.config import FitConfig
from scclamp.fitting.rebuild import from_arrays

if TYPE_CHECKING:
    from scclamp._result import Result
    from scclamp.physics import Dynamics


def stored_config(result: Result) -> FitConfig:
    """Return the settings of the fit."""
    return FitConfig.from_json(dump_json(result.params["config"]))


def load_dynamics(result: Result, *, device: str = "cpu") -> Dynamics:
    """Dynamics of all members of a stored fit, without gradients.

    Parameters
    ----------
    result
        What `decode` returned.
    device
        Where the tensors go.

    Returns
    -------
    Dynamics with one leading axis of members.
    """
    arrays = dict(result.members)
    if result.params["n_members"] == 1:
        # One member's weights and rates are not stored twice: their mean is they.
        arrays["b"] = result.b[None]
        if "W1" not in arrays:
            arrays["A"] = result.A[None]
    return from_arrays(arrays, result.regulator_rows, stored_config(result), device=device)
