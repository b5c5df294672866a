"""The torch module behind an encoder, whose parameters say where states belong."""

from __future__ import annotations

from typing import Any

import torch


def module_of(encoder: Any) -> torch.nn.Module | None:
    """Return the module that an encoder is, holds, or has a method of; None where there is none that can be seen.

    Examples
    --------
    >>> from scclamp.encoders import as_encoder
    >>> layer = torch.nn.Linear(3, 2)
    >>> module_of(as_encoder(layer.forward)) is layer, module_of(as_encoder(lambda x: layer(x)))
    (True, None)
    """
    function = getattr(encoder, "function", None)
    owner = getattr(function, "__self__", None)
    candidates = (encoder, function, owner, getattr(owner, "function", None))
    return next((each for each in candidates if isinstance(each, torch.nn.Module)), None)
