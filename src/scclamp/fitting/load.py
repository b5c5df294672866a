"""From a stored result to the dynamics that were fitted."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args

from scclamp._digest import dump_json
from scclamp._errors import StorageError, list_some
from scclamp.fitting.config import FitConfig
from scclamp.fitting.ensemble import Point
from scclamp.fitting.rebuild import from_arrays

if TYPE_CHECKING:
    from scclamp._result import Result
    from scclamp.physics import Dynamics


BEFORE: dict[str, Any] = {"backtrack": 0, "denoise": 0.0, "crowding": 0.0, "interaction": 1.0}
"""What fits did before there were these settings: today's defaults are not theirs. A new setting gets its line here."""


def stored_config(result: Result) -> FitConfig:
    """Return the settings of the fit; one that an earlier version did not have is what that version did.

    Raises
    ------
    StorageError
        When the settings are not those of a fit that this version can read.
    """
    stored = BEFORE | result.params["config"]
    known = {field.name for field in fields(FitConfig)}
    if new := sorted(stored.keys() - known):
        raise StorageError(
            f"The fit has the settings {list_some(new)}, which this scclamp lacks. Update scclamp to read it."
        )
    if missing := sorted(known - stored.keys()):
        raise StorageError(f"The fit lacks the settings {list_some(missing)}. Run scclamp.tl.fit again.")
    return FitConfig.from_json(dump_json(stored))


def stored_point(result: Result) -> Point:
    """Return what the fit reports of its members; the first fits, which do not say so, report their mean.

    Raises
    ------
    StorageError
        When a later version of this package reports something else.
    """
    point: Point = result.params.get("point", "mean")
    if point not in get_args(Point):
        raise StorageError(
            f"The fit reports {point!r} of its members, which this scclamp lacks. Update scclamp to read it."
        )
    return point


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
        # One member's weights and rates are not stored twice: the estimate is they.
        arrays["b"] = result.b[None]
        if "W1" not in arrays:
            arrays["A"] = result.A[None]
    return from_arrays(arrays, result.regulator_rows, stored_config(result), device=device)
