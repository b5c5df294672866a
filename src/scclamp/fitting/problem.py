"""What a fit is given, as tensors: clamps, encoded means to match, and where each regulator sits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from scclamp._digest import digest_names, digest_value
from scclamp._errors import NonFiniteError

if TYPE_CHECKING:
    from scclamp.conditions import Conditions

Encode = Callable[[Tensor], Tensor]
"""A differentiable lens: states (..., genes) to representations (..., d)."""


@dataclass(frozen=True)
class FitProblem:
    """Single-gene conditions and the control, condition 0 being the control.

    Parameters
    ----------
    rows
        Row of each regulator among the genes; -1 is latent.
    mask, values
        Clamps (*members, conditions, regulators).
    train, validation
        Mean encodings of training and validation cells (*members, conditions, d); NaN rows mark conditions without
        validation cells.
    means
        Mean expression of the training cells (*members, conditions, genes), from which a fit starts.
    encode
        Lens through which states are compared.
    encoder
        Fingerprint of that lens, by which a resumed fit knows it again.
    given
        `digests` of the problem that this one was made from by shrinking its means; None when it is as it was given.
    """

    rows: Tensor
    mask: Tensor
    values: Tensor
    train: Tensor
    validation: Tensor
    means: Tensor
    encode: Encode
    encoder: str = ""
    given: tuple[str, str] | None = None

    @classmethod
    def of(
        cls, singles: Conditions, encoded: tuple[np.ndarray, np.ndarray], encode: Encode, encoder: str, device: str
    ) -> Self:
        """Single-gene conditions as tensors on a device.

        Parameters
        ----------
        singles
            The control and the conditions of single genes.
        encoded
            Mean encodings of their training and of their validation cells.
        encode, encoder
            The lens, and its fingerprint.
        device
            Torch device.
        """

        def tensor(values: np.ndarray) -> Tensor:
            return torch.as_tensor(np.asarray(values), device=device)

        train, validation = encoded
        return cls(
            rows=tensor(singles.regulator_rows),
            mask=tensor(singles.clamp_mask),
            values=tensor(singles.clamp_values),
            train=tensor(train),
            validation=tensor(validation),
            means=tensor(singles.train_mean),
            encode=encode,
            encoder=encoder,
        )

    @property
    def digests(self) -> tuple[str, str]:
        """Digests of the data and of their encodings, by which a resumed fit knows them again.

        Singular vectors may differ in their last bits between machines, so shrunken means are not what is looked at.
        """
        if self.given is not None:
            return self.given
        return _digest(self.rows, self.mask, self.values, self.means), _digest(self.train, self.validation)

    @property
    def has_validation(self) -> bool:
        """Whether the control and at least one perturbation have validation cells."""
        seen = self.validation[..., 0].isfinite()
        return bool(seen[..., 0].all() and seen[..., 1:].any(-1).all())

    def not_finite(self) -> list[str]:
        """What holds NaN or infinity and must not; validation may be missing."""
        named = {
            "the clamp values": self.values[self.mask.expand(self.values.shape)],
            "the target means": self.train,
            "the mean expression": self.means,
        }
        broken = [name for name, tensor in named.items() if not bool(tensor.isfinite().all())]
        seen = self.validation.isfinite()
        return broken + (["the validation means"] if bool((seen.any(-1) & ~seen.all(-1)).any()) else [])

    def require_finite(self) -> None:
        """Refuse inputs with NaN or infinity by name."""
        if inputs := self.not_finite():
            raise NonFiniteError(
                f"NaN or infinity in {', '.join(inputs)} before the first epoch. Check the expression, and the encoder."
            )

    def to(self, device: torch.device, dtype: torch.dtype) -> Self:
        """Move everything to a device and a precision."""

        def move(t: Tensor) -> Tensor:
            return t.to(device=device, dtype=dtype)

        return replace(
            self,
            rows=self.rows.to(device),
            mask=self.mask.to(device),
            values=move(self.values),
            train=move(self.train),
            validation=move(self.validation),
            means=move(self.means),
        )


def _digest(*tensors: Tensor) -> str:
    return digest_names(digest_value(tensor.numpy(force=True)) for tensor in tensors)
