"""An encoder is tried on two states before anything is computed through it, and what goes wrong is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scclamp._errors import InputError, ScclampError
from scclamp.encoders._module import module_of
from scclamp.encoders._rows import parameters_of, placement
from scclamp.encoders._wrap import Wrapped

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from scclamp.encoders._encoder import Encoder

# Whatever the code of a user stumbles over.
_STUMBLES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_IN_PLACE = (
    "changes the states that it is given, in place. Take inplace=True and functions that end in _ (relu_, mul_) off its input, or "
    "begin with x = x.clone()."
)
_PRECISIONS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def try_out(encoder: Encoder, x: Tensor, *, argument: str = "encoder", gradients: bool = True) -> tuple[Tensor, Tensor]:
    """Encode some states, and refuse an encoder that fails, does not return one vector per state, or would be changed.

    Parameters
    ----------
    encoder
        The encoder.
    x
        Two or more states (n, genes), where and in the precision that they will be encoded in.
    argument
        What messages call it.
    gradients
        Whether gradients will be wanted.

    Returns
    -------
    The states that were encoded, and their encodings.
    """
    _require_still(encoder, argument)
    if x.is_meta:
        raise InputError(f"{argument}={encoder.name!r} has parameters without values (device meta). Load its weights.")
    probe = x.detach().clone().requires_grad_(gradients)
    encoded = _encode(encoder, probe, argument, gradients)
    # One state too: .squeeze() would drop its axis.
    _encode(encoder, probe[:1].detach(), argument, gradients=False)
    return probe, encoded


def try_out_rows(encoder: Encoder, rows: np.ndarray, *, argument: str = "encoder", gradients: bool = True) -> None:
    """Try an encoder on the first rows of float64, where and in the precision in which it encodes observations."""
    dtype, device = placement(encoder)
    two = rows[[0, min(1, len(rows) - 1)]]
    try_out(encoder, torch.as_tensor(two, dtype=dtype, device=device), argument=argument, gradients=gradients)


def _encode(encoder: Encoder, x: Tensor, argument: str, gradients: bool) -> Tensor:
    """Encode states, refusing an encoder that fails, changes them or does not return a vector of numbers for each."""
    before = x._version
    try:
        with torch.set_grad_enabled(gradients):
            encoded = encoder.encode(x)
    except (ScclampError, torch.OutOfMemoryError):
        raise
    except _STUMBLES as error:
        raise InputError(f"{argument}={encoder.name!r} {_explained(encoder, x, error)}") from error
    what = f"{len(x)} {'state' if len(x) == 1 else 'states'}"
    if not isinstance(encoded, torch.Tensor) or encoded.ndim != 2 or len(encoded) != len(x) or not encoded.shape[1]:
        shape = tuple(encoded.shape) if isinstance(encoded, torch.Tensor) else type(encoded).__name__
        msg = (
            f"{argument}={encoder.name!r} returned {shape} for {what}. Return a tensor (states, d), for one state too."
        )
        raise InputError(msg)
    if not encoded.is_floating_point() or encoded.layout != torch.strided:
        kind = f"{_short(encoded.dtype)} ({_short(encoded.layout)})"
        msg = f"{argument}={encoder.name!r} returned {kind} for {what}. Return real numbers, dense: .to(x.dtype), .to_dense()."
        raise InputError(msg)
    if x._version != before:
        raise InputError(f"{argument}={encoder.name!r} {_IN_PLACE}")
    return encoded


def require_differentiable(encoder: Encoder, x: Tensor) -> None:
    """Refuse an encoder that does not return one vector per state or that stops gradients.

    Parameters
    ----------
    encoder
        The encoder.
    x
        Two or more states (n, genes) to try it on, where and in the precision that the states of a fit will be in.
    """
    probe, encoded = try_out(encoder, x)
    found = torch.autograd.grad(encoded.sum(), probe, allow_unused=True)[0] if encoded.requires_grad else None
    # A gradient of zeros is another matter: it may be one at other states.
    if found is None:
        msg = (
            f"encoder={encoder.name!r} stops gradients: its output does not depend on its input for autograd. Remove "
            ".detach(), no_grad() and conversions to numpy or to whole numbers, and replace rounding by a smooth surrogate."
        )
        raise InputError(msg)


def _require_still(encoder: Encoder, argument: str) -> None:
    module = module_of(encoder)
    for name, part in () if module is None else module.named_modules():
        if part.training and getattr(part, "running_mean", None) is not None:
            raise InputError(
                f"{argument}={encoder.name!r} is in training mode, and {f'its part {name!r}' if name else 'it'} is a "
                f"{type(part).__name__}, whose running statistics every state would change. Call .eval() on the module first."
            )


def _explained(encoder: Encoder, x: Tensor, error: Exception) -> str:
    """What is wrong with an encoder that failed. Asked only afterwards, since an encoder may well convert its input."""
    said = (str(error).splitlines() or [""])[0] or type(error).__name__
    states = f"states of shape {tuple(x.shape)}, a value for each gene of the panel"
    if "in-place" in said and "leaf" in said:
        return f"{_IN_PLACE} ({said})"
    if "numpy()" in str(error):
        return f"stops gradients: it turns states into numpy ({said}). Write it with torch alone."
    if placed := _misplaced(encoder, x):
        dtype, device = placement(encoder)
        return (
            f"{placed} ({said}). Move it with .to({str(x.device)!r}, {x.dtype}), give tl.fit its dtype= and device=, or wrap it by "
            f"scclamp.encoders.as_encoder(f, dtype={dtype}, device={str(device)!r})."
        )
    if other := _works_in(encoder, x):
        how = (
            f"Wrap it by scclamp.encoders.as_encoder(f, dtype={other})"
            if isinstance(encoder, Wrapped)
            else f"Convert inside of it: x.to({other}) before the model, .to(x) after it"
        )
        return f"fails on states of {_short(x.dtype)} ({said}), but takes those of {_short(other)}. {how}."
    if "same device" in str(error):
        return f"fails on states on {x.device} ({said}). Wrap it by scclamp.encoders.as_encoder(f, device=...)."
    return f"failed on {states}: {said} It must take tensors of that width, and be written with torch, not numpy."


def _misplaced(encoder: Encoder, x: Tensor) -> str:
    """Where the parameters of an encoder are, if they are not where, or not in the precision, that states reach them in."""
    some = parameters_of(encoder)
    dtype, device = x.dtype, x.device
    if isinstance(encoder, Wrapped):
        dtype, device = encoder.dtype or dtype, encoder.device or device
    if some is None or (some.dtype, some.device.type) == (dtype, device.type):
        return ""
    return f"has parameters of {_short(some.dtype)} on {some.device}, but the states of the fit are {_short(dtype)} on {device}"


def _works_in(encoder: Encoder, x: Tensor) -> torch.dtype | None:
    for dtype in _PRECISIONS:
        if dtype == x.dtype:
            continue
        try:
            encoder.encode(x.detach().to(dtype).requires_grad_(x.requires_grad))
        except _STUMBLES:
            continue
        return dtype
    return None


def _short(dtype: torch.dtype | torch.layout) -> str:
    return str(dtype).removeprefix("torch.")
