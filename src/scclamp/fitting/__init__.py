"""Fitting: the objective, the guarded optimiser loop, and its state."""

from __future__ import annotations

from scclamp.fitting.config import FitConfig
from scclamp.fitting.objective import Losses, Objective
from scclamp.fitting.problem import FitProblem
from scclamp.fitting.trainer import HISTORY, Trainer

__all__ = ["HISTORY", "FitConfig", "FitProblem", "Losses", "Objective", "Trainer"]
