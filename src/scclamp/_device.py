"""Which device is meant, and whether it is here."""

from __future__ import annotations

import torch

from scclamp._errors import InputError
from scclamp._settings import settings


def read_device(device: str | None) -> str:
    """Return the device that is meant, after trying it; None is that of the session.

    Examples
    --------
    >>> read_device("gpu")
    Traceback (most recent call last):
    scclamp.errors.InputError: device='gpu' cannot be used: ... For a graphics card write 'cuda'.
    """
    device = settings.device if device is None else device
    try:
        torch.empty(1, device=device)
    # Torch built without an accelerator answers a request for it with an AssertionError.
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        advice = (
            "For a graphics card write 'cuda'" if str(device) == "gpu" else "Pass device='cpu', or one that is here"
        )
        raise InputError(f"device={device!r} cannot be used: {reason}. {advice}.") from error
    return device


def require_precision(dtype: object) -> torch.dtype:
    """Return a floating precision of torch, or refuse what is none.

    Examples
    --------
    >>> require_precision(torch.int32)
    Traceback (most recent call last):
    scclamp.errors.InputError: dtype=torch.int32 is no floating precision of torch. Give for example torch.float32.
    """
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise InputError(f"dtype={dtype!r} is no floating precision of torch. Give for example torch.float32.")
    return dtype
