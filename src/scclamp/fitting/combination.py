"""How single effects combine beyond what the network says: crowding, and trust in predicted interactions.

Clamping several regulators in one cell moves it less than the sum of its parts, the less the stronger they are. A sum of
Hill terms cannot saturate as a whole, so the shift of a combination is scaled by

    ``1 / sqrt(1 + crowding * sum_{j<k} |s_j| |s_k| / mean |s|^2)``

where ``s_j`` are the network's own shifts of the single genes. Singles are not touched. Interactions (what the network's
steady state adds to the sum of its singles) rest on edges that no single pinned down; they enter by the factor `interaction`.
With `crowding` 0 and `interaction` 1 a prediction is the steady state itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from scclamp.fitting.config import FitConfig


@dataclass(frozen=True)
class Combination:
    """The law for shifts of combinations.

    Parameters
    ----------
    crowding
        How fast strong effects saturate together.
    interaction
        Share of the network's interaction that is believed.
    typical
        Mean squared norm of the shift of a single gene.

    Examples
    --------
    >>> import torch
    >>> law = Combination(crowding=1.0, interaction=0.5, typical=4.0)
    >>> law.scale(torch.tensor([[2.0, 0.0], [2.0, 6.0]]))
    tensor([1.0000, 0.5000])
    """

    crowding: float
    interaction: float
    typical: float

    @classmethod
    def of(cls, config: FitConfig, norms: Tensor) -> Combination:
        """The law that a fit was configured with, and the norms of its single shifts."""
        return cls(config.crowding, config.interaction, float(norms.square().mean()))

    @property
    def is_steady_state(self) -> bool:
        """Whether predictions are the steady states as they are."""
        return self.crowding == 0 and self.interaction == 1

    def scale(self, norms: Tensor) -> Tensor:
        """Scale of each combination from the norms of its parts (conditions, parts); a part that is missing is 0."""
        if self.crowding == 0 or self.typical == 0:
            return norms.new_ones(len(norms))
        pairs = (norms.sum(-1).square() - norms.square().sum(-1)).clamp(min=0) / 2
        return (1 + self.crowding * pairs / self.typical).rsqrt()

    def __call__(self, shift: Tensor, additive: Tensor, scale: Tensor) -> Tensor:
        """Shift of combinations (conditions, genes) from the network's own and the sum of its singles."""
        return scale[:, None] * (additive + self.interaction * (shift - additive))


class Parts(NamedTuple):
    """The network's own single effects in each combination.

    Parameters
    ----------
    shift
        Sum of the single shifts (conditions, genes).
    norms
        Norm of each (conditions, parts); a part that is missing is 0.
    sound
        Whether all states behind are to be trusted (conditions,).
    """

    shift: Tensor
    norms: Tensor
    sound: Tensor


class Combined(NamedTuple):
    """States of combinations.

    Parameters
    ----------
    value
        Expression (conditions, genes).
    scale
        What the law scaled the shift by (conditions,).
    sound
        Whether the parts that the law needed are to be trusted (conditions,).
    """

    value: Tensor
    scale: Tensor
    sound: Tensor


def norms_of_singles(shift: Tensor, rows: Tensor) -> Tensor:
    """Norm of the shift of single genes (conditions, genes); the gene that is held says nothing about what it does to others.

    Examples
    --------
    >>> norms_of_singles(torch.tensor([[3.0, 4.0, 12.0], [3.0, 4.0, 12.0]]), rows=torch.tensor([2, -1]))
    tensor([ 5., 13.])
    """
    own = shift.gather(1, rows.clamp(min=0)[:, None]).squeeze(1) * (rows >= 0)
    return (shift.square().sum(1) - own.square()).clamp(min=0).sqrt()


def combine(
    law: Combination, control: Tensor, value: Tensor, parts: Parts, *, rows: Tensor, mask: Tensor, held: Tensor
) -> Combined:
    """Apply the law to conditions that hold several regulators; what is held stays where it is held.

    Parameters
    ----------
    law
        How shifts are combined.
    control, value
        The network's state of the control (genes,), and of the conditions (conditions, genes).
    parts
        Single effects of the conditions.
    rows
        Gene of each regulator, -1 for a latent one (regulators,).
    mask, held
        Regulators held in each condition and where (conditions, regulators).
    """
    several = (parts.norms > 0).sum(1) > 1
    scale = torch.where(several, law.scale(parts.norms), 1.0)
    shift = law(value - control, parts.shift, scale)
    value = torch.where(several[:, None], control + shift, value)
    measured = (rows >= 0).nonzero().squeeze(1)
    kept = torch.where(mask[:, measured], held[:, measured], value[:, rows[measured]])
    return Combined(value.index_copy(1, rows[measured], kept), scale, parts.sound | ~several)
