"""Rows of observations through an encoder, where and in the precision that its parameters are in."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING

import torch

from scclamp._settings import settings
from scclamp.encoders._identity import Identity
from scclamp.encoders._module import module_of

if TYPE_CHECKING:
    import numpy as np

    from scclamp.encoders._encoder import Encoder

_MIXED = ("cuda",)
"""Kinds of devices on which precision may be mixed."""


def placement(encoder: Encoder) -> tuple[torch.dtype, torch.device]:
    """Precision and device that an encoder asks for, or those of its own parameters; double precision on the CPU otherwise.

    Examples
    --------
    >>> from scclamp.encoders import as_encoder
    >>> layer = torch.nn.Linear(3, 2)
    >>> placement(as_encoder(layer)) == placement(as_encoder(layer.forward))
    True
    >>> placement(as_encoder(torch.tanh, dtype=torch.float32))
    (torch.float32, device(type='cpu'))
    """
    some = parameters_of(encoder)
    dtype, device = (torch.float64, torch.device("cpu")) if some is None else (some.dtype, some.device)
    asked, place = getattr(encoder, "dtype", None), getattr(encoder, "device", None)
    return asked if isinstance(asked, torch.dtype) else dtype, device if place is None else torch.device(place)


def parameters_of(encoder: Encoder) -> torch.Tensor | None:
    """One of an encoder's own parameters, for all of them; of what is not trained where it has none."""
    module = module_of(encoder)
    every = () if module is None else chain(module.parameters(), module.buffers())
    return next((each for each in every if each.is_floating_point()), None)


def encode_rows(encoder: Encoder, rows: np.ndarray) -> np.ndarray:
    """Encode rows of float64 as they are, in the precision of the encoder's own parameters where it has any."""
    if isinstance(encoder, Identity):
        return rows
    dtype, device = placement(encoder)
    with torch.no_grad():
        return encoder.encode(torch.as_tensor(rows, dtype=dtype, device=device)).to(torch.float64).cpu().numpy()


def encode_observations(encoder: Encoder, rows: np.ndarray) -> np.ndarray:
    """Encode rows of float64 for their mean, in mixed precision where that is asked for."""
    mixed = mixed_precision(encoder)
    with nullcontext() if mixed is None else torch.autocast(placement(encoder)[1].type, mixed):
        return encode_rows(encoder, rows)


def mixed_precision(encoder: Encoder) -> torch.dtype | None:
    """Precision of products while observations are encoded, where it is not that of the encoder.

    It is bfloat16 where `settings.mixed_precision` asks for it, for encoders in single precision on a CUDA device.

    Examples
    --------
    >>> from scclamp.encoders import as_encoder
    >>> with settings.override(mixed_precision=True):
    ...     print(mixed_precision(as_encoder(torch.nn.Linear(3, 2))))
    None
    """
    dtype, device = placement(encoder)
    wanted = settings.mixed_precision and device.type in _MIXED and dtype == torch.float32
    return torch.bfloat16 if wanted else None
