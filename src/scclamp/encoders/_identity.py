"""The lens that changes nothing: states are compared gene by gene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp.encoders._encoder import digest

if TYPE_CHECKING:
    from torch import Tensor


class Identity:
    """Return states as they are.

    Examples
    --------
    >>> import torch
    >>> Identity().encode(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """

    name = "identity"
    affine = True
    input = "log"

    def encode(self, x: Tensor) -> Tensor:
        """Encode states (..., genes)."""
        return x

    def fingerprint(self) -> str:
        """Digest of everything that decides the output."""
        return digest(self.name)
