"""Rows of observations through an encoder, where and in the precision that its parameters are in."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from scclamp._settings import settings
from scclamp.encoders._identity import Identity

if TYPE_CHECKING:
    import numpy as np

    from scclamp.encoders._encoder import Encoder

_MIXED = ("cuda",)
"""Kinds of devices on which precision may be mixed."""


def placement(encoder: Encoder) -> tuple[torch.dtype, torch.device]:
    """Precision and device of an encoder's own parameters; double precision on the CPU where it has none.

    Examples
    --------
    >>> from scclamp.encoders import as_encoder
    >>> placement(as_encoder(torch.nn.Linear(3, 2)))
    (torch.float32, device(type='cpu'))
    """
    parameters = getattr(getattr(encoder, "function", None), "parameters", lambda: iter(()))()
    some = next(iter(parameters), None)
    return (torch.float64, torch.device("cpu")) if some is None else (some.dtype, some.device)


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
