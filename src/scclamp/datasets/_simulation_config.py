"""What a simulated screen is made of: one validated record, and the presets."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from scclamp._errors import InputError, did_you_mean, list_some


@dataclass(frozen=True)
class SimulationConfig:
    """Every setting of `simulated`, documented there; the defaults are the preset ``demo``."""

    n_genes: int = 500
    n_regulators: int = 24
    n_unmeasured: int = 0
    n_cells_per_condition: int = 100
    n_control_cells: int = 1000
    combinations: str | int | tuple[str, ...] = 40
    mode: str = "CRISPRa"
    dose: float | None = None
    strength: float = 0.6
    density: float = 0.06
    core_degree: float = 3.0
    core_strength: float = 2.0
    activating: float = 0.65
    feedback: float = 0.8
    n: float = 2.0
    K: float = 1.0
    gamma: float = 1.0
    library_size: float = 50_000.0
    library_spread: float = 0.3
    target_sum: float = 10_000.0
    dispersion: float = 0.05
    dropout: float = 0.02

    def __post_init__(self) -> None:
        for name, (whole, low, high, open_ends) in _RANGES.items():
            value: Any = getattr(self, name)
            if not is_number(value, whole=whole):
                raise InputError(f"{name}={value!r} is not a {'whole ' if whole else ''}number. Pass one.")
            inside = low < value < high if open_ends else low <= value <= high
            if not (math.isfinite(value) and inside):
                brackets = "()" if open_ends else "[]"
                raise InputError(
                    f"{name}={value!r} is outside {brackets[0]}{low:g}, {high:g}{brackets[1]}. Choose a value inside."
                )
        if self.mode not in DOSES:
            raise InputError(f"mode={self.mode!r} is unknown. Use 'CRISPRa' or 'CRISPRi'.")
        if self.n_regulators > self.n_genes:
            raise InputError(
                f"n_regulators={self.n_regulators} exceeds n_genes={self.n_genes}, but regulators are genes of the panel. "
                "Lower it, or raise n_genes."
            )
        if self.n_unmeasured >= self.n_genes or self.n_unmeasured > self.n_regulators:
            raise InputError(
                f"n_unmeasured={self.n_unmeasured} must leave a measured gene and not exceed "
                f"n_regulators={self.n_regulators}. Lower it."
            )
        self._check_dose()

    def _check_dose(self) -> None:
        if self.dose is not None and not is_number(self.dose):
            raise InputError(f"dose={self.dose!r} is not a number. Pass one, or None.")
        dose, highest = self.resolved_dose, 1.0 if self.mode == "CRISPRi" else math.inf
        if not 0 < dose <= highest or not math.isfinite(dose):
            meaning = "the share of transcripts removed" if self.mode == "CRISPRi" else "a rise on the log1p scale"
            raise InputError(
                f"dose={self.dose!r} is not valid: in mode={self.mode!r} it is {meaning}. Make it positive."
            )

    @property
    def resolved_dose(self) -> float:
        """The dose, or the default of the mode."""
        return DOSES[self.mode] if self.dose is None else self.dose

    def to_json(self) -> str:
        """Encode for `uns`."""
        return json.dumps(dataclasses.asdict(self) | {"dose": self.resolved_dose}, sort_keys=True)


def is_number(value: Any, *, whole: bool = False) -> bool:
    """Whether a value is a number and no truth value."""
    return isinstance(value, Integral if whole else Real) and not isinstance(value, bool | np.bool_)


DOSES = {"CRISPRa": 1.5, "CRISPRi": 0.85}
"""Default dose of each mode: a rise of log1p expression, and the share of transcripts removed."""

_RANGES: dict[str, tuple[bool, float, float, bool]] = {
    "n_genes": (True, 1, math.inf, False),
    "n_regulators": (True, 1, math.inf, False),
    "n_unmeasured": (True, 0, math.inf, False),
    "n_cells_per_condition": (True, 1, math.inf, False),
    "n_control_cells": (True, 1, math.inf, False),
    "strength": (False, 0, math.inf, True),
    "density": (False, 0, 1, False),
    "core_degree": (False, 0, math.inf, False),
    "core_strength": (False, 0, math.inf, True),
    "activating": (False, 0, 1, False),
    "feedback": (False, 0, 1, True),
    "n": (False, 1, 20, False),
    "K": (False, 0, math.inf, True),
    "gamma": (False, 0, math.inf, True),
    "library_size": (False, 0, math.inf, True),
    "library_spread": (False, 0, 3, False),
    "target_sum": (False, 0, math.inf, True),
    "dispersion": (False, 0, math.inf, False),
    "dropout": (False, 0, 1, False),
}
"""Whether whole, lowest and highest value of each number, and whether the ends are excluded."""

PRESETS: dict[str, SimulationConfig] = {
    "tiny": SimulationConfig(
        n_genes=60, n_regulators=8, n_cells_per_condition=20, n_control_cells=60, combinations=6, density=0.12
    ),
    "demo": SimulationConfig(),
    "norman_like": SimulationConfig(
        n_genes=2553,
        n_regulators=102,
        n_control_cells=2000,
        combinations=129,
        density=0.02,
        library_size=12_000.0,
        dispersion=0.1,
        dropout=0.1,
    ),
}
"""`tiny` for tests, `demo` for tutorials, `norman_like` with the size and depth of Norman 2019."""


def configure(preset: str, settings: dict[str, object]) -> SimulationConfig:
    """Return a preset with the settings that are not None in its place.

    Examples
    --------
    >>> configure("tiny", {"n_genes": 80, "dose": None}).n_genes
    80
    """
    if preset not in PRESETS:
        raise InputError(f"preset={preset!r} is unknown.{did_you_mean(preset, PRESETS)} Use {list_some(PRESETS)}.")
    given = {name: value for name, value in settings.items() if value is not None}
    combinations = given.get("combinations")
    if isinstance(combinations, Iterable) and not isinstance(combinations, str):
        given["combinations"] = tuple(combinations)
    return dataclasses.replace(PRESETS[preset], **given)  # type: ignore[arg-type]
