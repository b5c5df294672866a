"""Fitting: the objective, the guarded optimiser loop, and its state."""

from scclamp.fitting.combination import Combination
from scclamp.fitting.config import FitConfig
from scclamp.fitting.kinetics import MakeActivation, register_kinetics
from scclamp.fitting.objective import Losses, Objective
from scclamp.fitting.problem import FitProblem
from scclamp.fitting.rebuild import effective_weights, from_arrays, to_arrays
from scclamp.fitting.resume import Checkpointer
from scclamp.fitting.shrinkage import denoise
from scclamp.fitting.trainer import HISTORY, Trainer

__all__ = [
    "HISTORY",
    "Checkpointer",
    "Combination",
    "FitConfig",
    "FitProblem",
    "Losses",
    "MakeActivation",
    "Objective",
    "Trainer",
    "denoise",
    "effective_weights",
    "from_arrays",
    "register_kinetics",
    "to_arrays",
]
