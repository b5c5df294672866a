"""What an encoder is: a differentiable lens on states, declared honestly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from scclamp._digest import digest_names, digest_value

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@runtime_checkable
class Encoder(Protocol):
    """A differentiable map from the genes of the panel to a representation.

    Parameters
    ----------
    name
        Short name, for records.
    affine
        Whether the encoding of a mean is the mean of the encodings.
    """

    name: str
    affine: bool

    def encode(self, x: Tensor) -> Tensor:
        """Encode states (..., genes) as (..., d); follows the dtype and the device of `x`."""

    def fingerprint(self) -> str:
        """Digest of everything that decides the output."""


def digest(*parts: str | np.ndarray) -> str:
    """SHA-256 over names and arrays."""
    return digest_names(digest_value(part) for part in parts)
