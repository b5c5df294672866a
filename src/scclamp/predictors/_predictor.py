"""What a predictor is: it learns from the conditions of a screen and says how cells look under other gene sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

from scclamp._errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from scclamp.conditions import Conditions

Target = tuple[str, ...]
"""Genes that are perturbed together; empty for the control."""


@runtime_checkable
class Predictor(Protocol):
    """Anything that predicts mean expression, the network and its baselines alike.

    Parameters
    ----------
    name
        Short name, for tables and layers.
    """

    name: ClassVar[str]

    def fit(self, conditions: Conditions, *, rng: int | np.random.Generator | None = None) -> Self:
        """Learn from the training means of all conditions given, combinations included, and return itself."""

    def predict(self, targets: Sequence[Target]) -> np.ndarray:
        """Mean expression (targets, genes): the observed control plus the predicted shift."""

    def lacks(self, target: Target) -> Target:
        """Genes of a target about which it has learned nothing; empty when the target can be predicted."""


def read_targets(targets: Iterable[Any]) -> list[Target]:
    """Return gene sets as sorted tuples, or refuse what is none.

    Examples
    --------
    >>> read_targets([("KLF1", "AHR"), ("GATA1",), ()])
    [('AHR', 'KLF1'), ('GATA1',), ()]
    >>> read_targets(["AHR+KLF1"])
    Traceback (most recent call last):
    scclamp.errors.InputError: targets[0]='AHR+KLF1' is no tuple of genes. Write for example ('A', 'B'), or () for the control.
    """
    found: list[Target] = []
    for position, target in enumerate([targets] if isinstance(targets, str) else targets):
        if not isinstance(target, tuple) or not all(isinstance(gene, str) for gene in target):
            msg = f"targets[{position}]={target!r} is no tuple of genes. "
            raise InputError(msg + "Write for example ('A', 'B'), or () for the control.")
        if len(set(target)) < len(target):
            raise InputError(f"targets[{position}]={target!r} names a gene twice. Name it once.")
        found.append(tuple(sorted(target)))
    return found
