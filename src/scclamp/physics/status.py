"""How a solve ended, per condition."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Outcome of one condition's solve; stored as int8."""

    CONVERGED = 0
    MAX_STEPS = 1
    NONFINITE = 2
    UNSTABLE = 3

    @property
    def advice(self) -> str:
        """What happened, why it usually happens, and what to change."""
        return _ADVICE[self]


_ADVICE = {
    Status.CONVERGED: "converged",
    Status.MAX_STEPS: "ran out of steps: feedback is near its stability limit or the tolerance is below the precision of "
    "the dtype; raise max_steps, loosen tol, or use Newton() or float64",
    Status.NONFINITE: "met NaN or infinity: a parameter or a clamp value is not finite, or the iteration diverged; check "
    "the inputs, lower the learning rate, or use a smaller damping",
    Status.UNSTABLE: "is a fixed point that repels the iteration: the linearised core has spectral radius >= 1, so "
    "feedback amplifies errors instead of damping them; weaken it (regularise A) or start from another state",
}
