"""Any torch module or function as an encoder, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scclamp._errors import InputError
from scclamp.encoders._encoder import Encoder, digest

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch import Tensor


class Wrapped:
    """A function or a module that maps states (..., genes) to representations (..., d).

    Parameters
    ----------
    function
        The map. A module is used as it is: its mode and its parameters are left alone.
    name
        Short name for records; by default that of the function or the class.
    affine
        Whether the map is affine, so that means may be encoded instead of cells.
    """

    def __init__(
        self, function: torch.nn.Module | Callable[[Tensor], Tensor], *, name: str | None = None, affine: bool = False
    ) -> None:
        self.function = function
        self.name: str = name or getattr(function, "__name__", "") or type(function).__name__
        self.affine = affine

    def encode(self, x: Tensor) -> Tensor:
        """Encode states (..., genes)."""
        return self.function(x)

    def fingerprint(self) -> str:
        """Digest of the name and, for a module, of its layers and parameters; of a function no more can be told."""
        if not isinstance(self.function, torch.nn.Module):
            return digest(self.name)
        parts: list[str | np.ndarray] = [self.name, repr(self.function)]
        for name, value in sorted(self.function.state_dict().items()):
            # As bytes, since numpy has no bfloat16.
            data = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
            parts += [f"{name} {value.dtype} {tuple(value.shape)}", data]
        return digest(*parts)


def as_encoder(
    function: Encoder | torch.nn.Module | Callable[[Tensor], Tensor], *, name: str | None = None, affine: bool = False
) -> Encoder:
    """Make an encoder of anything differentiable.

    Parameters
    ----------
    function
        An encoder, which is returned as it is, a `torch.nn.Module`, or a function of a tensor.
    name
        Short name for records.
    affine
        Whether the map is affine, so that means may be encoded instead of cells.

    Returns
    -------
    The encoder.

    Examples
    --------
    >>> import torch
    >>> encoder = as_encoder(torch.nn.Linear(3, 2), affine=True)
    >>> encoder.encode(torch.ones(4, 3)).shape
    torch.Size([4, 2])
    """
    if isinstance(function, Encoder):
        return function
    if not callable(function):
        msg = f"encoder={function!r} is neither an encoder, a torch module nor a function. Pass a map of a tensor."
        raise InputError(msg)
    return Wrapped(function, name=name, affine=affine)


def require_differentiable(encoder: Encoder, x: Tensor) -> None:
    """Refuse an encoder that does not return one vector per state or that stops gradients.

    Parameters
    ----------
    encoder
        The encoder.
    x
        Two or more states (n, genes) to try it on.
    """
    probe = x.detach().clone().requires_grad_()
    encoded = encoder.encode(probe)
    if not isinstance(encoded, torch.Tensor) or encoded.ndim != 2 or len(encoded) != len(probe):
        shape = tuple(encoded.shape) if isinstance(encoded, torch.Tensor) else type(encoded).__name__
        msg = f"encoder={encoder.name!r} returned {shape} for {len(probe)} states. Return a tensor (states, d)."
        raise InputError(msg)
    if not encoded.requires_grad:
        msg = (
            f"encoder={encoder.name!r} stops gradients: its output does not depend on its input for autograd. Remove "
            ".detach(), no_grad() and conversions to numpy, and replace rounding by a smooth surrogate."
        )
        raise InputError(msg)
