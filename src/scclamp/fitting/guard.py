"""The step guard: a step that leaves the region of stable steady states is shrunk until it does not.

Stability is a matter of the core alone (the regulators' rows and the kinetic constants), so only that part of a step is
shrunk; the readout keeps its full step.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from scclamp.fitting.members import per_member
from scclamp.physics import Dynamics, Solution, Status, spectral_radius, track_radius

_MAX_HALVINGS = 6
_FIRST_STEPS, _STEPS = 16, 2


class Guard:
    """Judges each member's steady states.

    A member passes when every condition converged and no core's spectral radius exceeds `max_radius`, or the radius that was
    accepted before where that is larger: a member beyond the limit may come back in steps. The radius is tracked by power
    steps from epoch to epoch; where the estimate comes near the limit, eigenvalues decide.

    Parameters
    ----------
    max_radius
        Largest spectral radius of the linearised core.
    """

    def __init__(self, max_radius: float) -> None:
        self.max_radius = max_radius
        self.vector: Tensor | None = None
        self.accepted: Tensor | None = None

    @torch.no_grad()
    def passes(self, solution: Solution) -> tuple[Tensor, Tensor]:
        """Whether each member passes, and its largest radius (*members,)."""
        first = self.vector is None
        start = torch.ones_like(solution.core) if self.vector is None else self.vector
        estimate, self.vector = track_radius(solution.linearisation, start, _FIRST_STEPS if first else _STEPS)
        near = ~(estimate < 0.9 * self.max_radius) & solution.core.isfinite().all(-1)
        if near.any():
            # The few largest stand for all: conditions differ by one clamp, and eigenvalues are dear.
            top = estimate.nan_to_num(0.0).topk(min(4, estimate.shape[-1]), dim=-1).indices
            chosen = torch.zeros_like(near).scatter(-1, top, True) & near
            index = chosen.nonzero(as_tuple=True)
            estimate = torch.where(near & ~chosen, 0.0, estimate)
            estimate[index] = spectral_radius(solution.linearisation.select(index)).to(estimate.dtype)
        radius = estimate.amax(-1)
        settled = (solution.status == Status.CONVERGED).all(-1)
        # Which conditions stand for all may change between epochs, and the radius with it, by a little.
        limit = self.max_radius if self.accepted is None else (1.02 * self.accepted).clamp(min=self.max_radius)
        return settled & (radius <= limit), radius


def shrink_to_pass(
    dynamics: Dynamics,
    previous: dict[str, Tensor],
    solve: Callable[[], Solution],
    guard: Guard,
) -> tuple[Solution, Tensor, Tensor]:
    """Solve at the current parameters, halving the core's step of failing members until all pass.

    After a few halvings a member's core returns to its previous parameters, which did pass. Returns the solution, each
    member's radius, and how many halvings it took.
    """
    solution = solve()
    passed, radius = guard.passes(solution)
    halvings = torch.zeros(passed.shape, dtype=torch.int32, device=passed.device)
    hopeless = torch.zeros_like(passed)
    while not passed.all():
        halvings += ~passed
        # Once back at what passed before, a member is not judged again: neighbours that still move would keep it here.
        hopeless = hopeless | (~passed & (halvings > _MAX_HALVINGS))
        for name, parameter in dynamics.named_parameters():
            old = previous[name]
            _halve(dynamics, name, parameter, old, ~passed, hopeless)
        solution = solve()
        passed, radius = guard.passes(solution)
        passed = passed | hopeless
    guard.accepted = radius
    return solution, radius, halvings


@torch.no_grad()
def _halve(dynamics: Dynamics, name: str, new: Tensor, old: Tensor, failing: Tensor, hopeless: Tensor) -> None:
    """Move the core's part of one parameter half way back, or all the way where it is hopeless."""
    core = dynamics.rows[dynamics.measured] if name in dynamics.per_gene else None
    part, origin = (new, old) if core is None else (new.index_select(1, core), old.index_select(1, core))
    middle = torch.lerp(origin, part, 0.5)
    # torch.where, not arithmetic: a rejected parameter may not be finite.
    middle = torch.where(per_member(hopeless, part) | ~middle.isfinite(), origin, middle)
    part = torch.where(per_member(failing, part), middle, part)
    if core is None:
        new.copy_(part)
    else:
        new.index_copy_(1, core, part)
