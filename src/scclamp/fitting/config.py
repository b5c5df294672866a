"""Every number that decides a fit, in one frozen record that is stored with the result."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, Self, get_args

from scclamp._arguments import require_choice
from scclamp._errors import InputError, did_you_mean
from scclamp.fitting.kinetics import DRIFT, kinetics_names

Integration = Literal["additive", "saturating"]
Solver = Literal["chord", "damped", "anderson", "newton"]
Start = Literal["regression", "random"]
Adjoint = Literal["reduced", "iterative", "unrolled"]
Dtype = Literal["float32", "float64"]
_CHOICES = {
    "integration": Integration,
    "solver": Solver,
    "start": Start,
    "adjoint": Adjoint,
    "dtype": Dtype,
}
_OPTIONAL = ("K", "denoise")
_OWN_INTEGRATION = ("multi_regulator_hill", DRIFT)
_POSITIVE = (
    "n",
    "K",
    "gamma",
    "limit",
    "learning_rate",
    "grad_clip",
    "tol",
    "max_radius",
    "max_epochs",
    "patience",
    "cold_steps",
    "warm_steps",
)
_WHOLE = ("max_epochs", "patience", "cold_epochs", "cold_steps", "warm_steps")
_NON_NEGATIVE = (
    "init_scale",
    "weight_decay",
    "lambda_ctrl",
    "lambda_sparse",
    "lambda_kinetics",
    "denoise",
    "crowding",
    "cold_epochs",
    "tikhonov",
    "backtrack",
)


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Settings of `scclamp.tl.fit`; the defaults are ours, `FitConfig.paper()` gives those of the publication.

    Parameters
    ----------
    kinetics
        How a regulator's expression becomes activity.
    integration
        How a target adds up its regulators: `"additive"` (the paper) or `"saturating"`.
    n, K, gamma
        Initial cooperativity, half-activation, and decay. With `K=None` each regulator's own half-activation begins where
        it was clamped (`"generalized_hill"`), and a shared one at the median positive control expression of the regulators.
    limit
        Initial limit of a saturating response.
    fit_gamma
        Whether the decay rate is fitted. A steady state depends on A / gamma and b / gamma only, so by default it is not.
    start
        `"regression"`: closed-form ridge regression, refined by the fit; `"random"`: small random weights (the paper).
    init_scale
        Standard deviation of the random weights, or of what is added to the regression's.
    learning_rate, betas, weight_decay, grad_clip
        AdamW; the decay acts on weights, not on basal rates or kinetic constants. Clipping is per ensemble member.
    lambda_ctrl, lambda_sparse, lambda_kinetics
        Weights of the control anchor, of the L1 norm of A, and of the squared departure of log kinetic constants from
        their initial values.
    denoise
        Noise that is shrunk from the means before the fit, in multiples of the estimated noise: 0 fits them as they are;
        None lets the validation cells choose, and is 1 without any.
    crowding, interaction
        How predicted combinations saturate, and how much of the interactions that the network predicts is believed
        (`scclamp.fitting.Combination`). With 0 and 1 a prediction is the steady state itself.
    max_epochs, patience
        Longest fit, and epochs without a better validation loss before it stops.
    solver, damping, tol, cold_epochs, cold_steps, warm_steps, bounds
        Fixed-point solver, its tolerance while fitting (what is stored is judged more strictly), and its step budget in
        the first epochs and after.
    adjoint, tikhonov
        Backward solve and its diagonal term.
    guard, max_radius
        Whether a step is shrunk when a condition stops converging or the core's spectral radius passes `max_radius`.
    backtrack
        Epochs without a lower training objective after which a member returns to its lowest and halves its learning
        rate; 0 never does.
    train_fraction
        Share of each condition's cells used for fitting; the rest validates.
    dtype
        Precision of the fit.
    seed
        Used when no `rng` is given.

    Examples
    --------
    >>> from scclamp.fitting import FitConfig
    >>> FitConfig(learning_rate=3e-3).learning_rate
    0.003
    >>> FitConfig.paper().solver, FitConfig.paper().damping
    ('damped', 0.5)
    """

    kinetics: str = "generalized_hill"
    integration: Integration = "additive"
    n: float = 2.0
    K: float | None = None
    gamma: float = 1.0
    limit: float = 2.0
    fit_gamma: bool = False
    start: Start = "regression"
    init_scale: float = 1e-3
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4
    grad_clip: float = 5.0
    lambda_ctrl: float = 1.0
    lambda_sparse: float = 1e-5
    lambda_kinetics: float = 0.0
    denoise: float | None = None
    crowding: float = 0.4
    interaction: float = 0.5
    max_epochs: int = 1000
    patience: int = 100
    solver: Solver = "chord"
    damping: float = 1.0
    tol: float = 1e-4
    cold_epochs: int = 20
    cold_steps: int = 200
    warm_steps: int = 50
    bounds: tuple[float, float] = (1e-6, 50.0)
    adjoint: Adjoint = "reduced"
    tikhonov: float = 1e-8
    guard: bool = True
    max_radius: float = 0.95
    backtrack: int = 50
    train_fraction: float = 0.8
    dtype: Dtype = "float32"
    seed: int = 42

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            require_choice(name, getattr(self, name), get_args(allowed))
        if self.kinetics not in kinetics_names():
            raise InputError(
                f"kinetics={self.kinetics!r} must be one of {', '.join(map(repr, kinetics_names()))}, or kinetics of your own that "
                "were registered with scclamp.fitting.register_kinetics, also before a fit with them is read."
            )
        for name in (*_POSITIVE, *_NON_NEGATIVE):
            value, positive = getattr(self, name), name in _POSITIVE
            if value is None and name in _OPTIONAL:
                continue
            if not isinstance(value, Real) or not math.isfinite(value) or value < 0 or (positive and value == 0):
                raise InputError(
                    f"{name}={value!r} must be a finite number, {'above 0' if positive else '0 or above'}."
                )
        self._check_ranges()
        if self.integration != "additive" and self.kinetics in _OWN_INTEGRATION:
            raise InputError(
                f"integration={self.integration!r} has no effect with kinetics={self.kinetics!r}, which adds up regulators "
                "in its own way. Leave it out, or choose other kinetics."
            )

    def _check_ranges(self) -> None:
        for name in _WHOLE:
            if getattr(self, name) != int(getattr(self, name)):
                raise InputError(f"{name}={getattr(self, name)!r} must be a whole number.")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise InputError(f"betas={self.betas!r} must be two numbers in [0, 1).")
        if not 0 < self.damping <= 1:
            raise InputError(f"damping={self.damping!r} must lie in (0, 1]; 1 is the plain iteration.")
        if not 0 <= self.interaction <= 1:
            raise InputError(f"interaction={self.interaction!r} must lie in [0, 1]; 1 believes the network.")
        if not 0 < self.train_fraction <= 1:
            raise InputError(f"train_fraction={self.train_fraction!r} must lie in (0, 1]; 1 keeps no validation cells.")
        if len(self.bounds) != 2 or not 0 < self.bounds[0] < self.bounds[1]:
            raise InputError(f"bounds={self.bounds!r} must be two increasing numbers above 0.")

    @classmethod
    def paper(cls, **changes: Any) -> Self:
        """Settings of the publication's appendix E: damped iteration, fitted decay, no step guard.

        The optimiser, the loss weights, the solver with its tolerance, bounds and budgets, the Tikhonov term, the share of
        training cells, the seed and the stopping rule are the numbers of E.1 to E.4; the Gaussian start is that of H.2. The
        paper is silent on `init_scale` ("small"), on where `n`, `K` and `gamma` start, and on `dtype`; these are ours. What
        its method does not have is off: `guard`, `backtrack`, `denoise`, `lambda_kinetics`, and the law of combinations.

        Two things differ all the same: the gradient is solved for in the core, not in all genes, where the Tikhonov term acts
        on fewer of them (1e-8 apart); and the best epoch is one in which every condition has converged.

        Parameters
        ----------
        changes
            Settings to change.
        """
        settings: dict[str, Any] = {
            "kinetics": "hill",
            "denoise": 0.0,
            "crowding": 0.0,
            "interaction": 1.0,
            "start": "random",
            "init_scale": 0.01,
            "fit_gamma": True,
            "solver": "damped",
            "damping": 0.5,
            "tol": 1e-5,
            "guard": False,
            "backtrack": 0,
        }
        return cls(**(settings | changes))

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some settings changed; an unknown name is an error with near matches."""
        names = [f.name for f in dataclasses.fields(self)]
        for name in changes:
            if name not in names:
                raise InputError(f"{name!r} is not a setting of FitConfig.{did_you_mean(name, names)}")
        return dataclasses.replace(self, **changes)

    def to_json(self) -> str:
        """Write all settings as one JSON string."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read settings written by `to_json`."""
        values: dict[str, Any] = json.loads(text)
        for name, value in values.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)
