"""A small screen with a prediction that is neither perfect nor blind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest


@dataclass
class Screen:
    control: np.ndarray
    observed: np.ndarray
    predicted: np.ndarray
    exclude: np.ndarray
    additive: np.ndarray

    def kept(self, row: int) -> np.ndarray:
        return ~self.exclude[row]


@pytest.fixture
def screen() -> Screen:
    rng = np.random.default_rng(0)
    control = rng.gamma(1.0, 1.0, 60)
    shift = rng.normal(0, 0.5, (9, 60))
    predicted = control + 0.6 * shift + rng.normal(0, 0.3, shift.shape) + 0.1
    exclude = rng.random(shift.shape) < 0.05
    return Screen(control, control + shift, predicted, exclude, 1.3 * shift + rng.normal(0, 0.3, shift.shape))
