"""What an encoder is: a differentiable lens on states, declared honestly."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
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


def digest(*parts: str | bytes | np.ndarray) -> str:
    """SHA-256 over names and arrays."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype}{part.shape}".encode())
            part = np.ascontiguousarray(part).tobytes()
        found.update(part.encode() if isinstance(part, str) else part)
    return found.hexdigest()
