"""Rows of observations through an encoder, where and in the precision that its parameters are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scclamp.encoders._identity import Identity

if TYPE_CHECKING:
    import numpy as np

    from scclamp.encoders._encoder import Encoder


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
