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
    held = (value for each in (encoder, owner) for value in getattr(each, "__dict__", {}).values())
    return next((each for each in (encoder, function, owner, *held) if isinstance(each, torch.nn.Module)), None)
