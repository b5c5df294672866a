"""Kinetics by name: how each makes the activation of its regulators, and how a new one joins."""

from __future__ import annotations

from typing import Protocol

from scclamp._errors import InputError
from scclamp.physics import Activation, GeneralizedHill, Hill, MassAction, MichaelisMenten

DRIFT = "neural_drift"
"""The only kinetics that is no activation: a neural network replaces all of the dynamics."""


class MakeActivation(Protocol):
    """Makes an activation; a class may be one, when its constructor takes these arguments."""

    def __call__(
        self, n_regulators: int, n: float, K: float, *, batch_shape: tuple[int, ...], bounds: tuple[float, float]
    ) -> Activation:
        """Make the activation of `n_regulators` regulators for the members `batch_shape`."""


def _hill(
    n_regulators: int, n: float, K: float, *, batch_shape: tuple[int, ...], bounds: tuple[float, float]
) -> Activation:
    return Hill(n, K, batch_shape=batch_shape, bounds=bounds)


def _michaelis_menten(
    n_regulators: int, n: float, K: float, *, batch_shape: tuple[int, ...], bounds: tuple[float, float]
) -> Activation:
    return MichaelisMenten(K, batch_shape=batch_shape, bounds=bounds)


def _mass_action(
    n_regulators: int, n: float, K: float, *, batch_shape: tuple[int, ...], bounds: tuple[float, float]
) -> Activation:
    return MassAction(bounds)


_MAKERS: dict[str, MakeActivation] = {
    "hill": _hill,
    "michaelis_menten": _michaelis_menten,
    "mass_action": _mass_action,
    "generalized_hill": GeneralizedHill,
    "multi_regulator_hill": _mass_action,
}


def kinetics_names() -> tuple[str, ...]:
    """Names that `FitConfig(kinetics=...)` takes."""
    return (*_MAKERS, DRIFT)


def make_activation(
    name: str, n_regulators: int, n: float, K: float, *, batch_shape: tuple[int, ...], bounds: tuple[float, float]
) -> Activation:
    """Make the activation that a name stands for."""
    return _MAKERS[name](n_regulators, n, K, batch_shape=batch_shape, bounds=bounds)


def register_kinetics(name: str, make: MakeActivation) -> None:
    """Add kinetics of your own, for `FitConfig(kinetics=name)` and `tl.fit(adata, kinetics=name)`.

    A fit is stored with the name only: whoever reads it registers the same kinetics first. Parameters of the activation that
    are called `log_K` and `log_n` start where the configuration says; all parameters are fitted.

    Parameters
    ----------
    name
        A new name.
    make
        Called with the number of regulators, `n` and `K` of the configuration, `batch_shape=` (members fitted side by side)
        and `bounds=`; returns an :class:`scclamp.physics.Activation`. A class whose constructor takes these will do.

    Examples
    --------
    >>> from scclamp.fitting import FitConfig, register_kinetics
    >>> from scclamp.physics import GeneralizedHill
    >>> class Steep(GeneralizedHill):
    ...     def _constants(self):
    ...         n, log_K = super()._constants()
    ...         return n + 1, log_K
    >>> register_kinetics("steep", Steep)
    >>> FitConfig(kinetics="steep").kinetics
    'steep'
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"name={name!r} must be a word of letters, digits and underscores.")
    if not callable(make):
        raise InputError(f"make={make!r} must be a class or a function that returns an Activation.")
    if name == DRIFT or (name in _MAKERS and _MAKERS[name] is not make and not _same(_MAKERS[name], make)):
        raise InputError(f"name={name!r} is taken by other kinetics. Choose another name.")
    _MAKERS[name] = make


def _same(one: object, other: object) -> bool:
    """Whether a cell of a notebook was run twice: the same definition, made anew."""
    names = [(getattr(each, "__module__", None), getattr(each, "__qualname__", None)) for each in (one, other)]
    return names[0] == names[1] and names[0] != (None, None) and not str(names[0][0]).startswith("scclamp.")
