"""Any torch module or function as an encoder, in one line."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import torch

from scclamp._errors import InputError
from scclamp.encoders._depth import counts_per_unit
from scclamp.encoders._encoder import Encoder, digest
from scclamp.encoders._rows import placement

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_PLAIN = (bool, int, float, complex, str, bytes, np.generic, torch.dtype, torch.device)
_TORCH = frozenset(vars(torch.nn.Module()))
"""What every module has, for torch."""


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
    depth, target_sum
        As for `as_encoder`.
    """

    def __init__(
        self,
        function: torch.nn.Module | Callable[[Tensor], Tensor],
        *,
        name: str | None = None,
        affine: bool = False,
        depth: float | None = None,
        target_sum: float = 1e4,
    ) -> None:
        self.function = function
        self.name: str = name or getattr(function, "__name__", "") or type(function).__name__
        self.affine = affine
        self.input = "log" if depth is None else "counts"
        self._scale = None if depth is None else counts_per_unit(depth, target_sum)
        if affine and depth is not None:
            raise InputError(
                f"affine=True with depth={depth!r}: counts are no affine map of log-normalised expression. Leave one out."
            )

    def encode(self, x: Tensor) -> Tensor:
        """Encode states (..., genes)."""
        if self._scale is None:
            return self.function(x)
        # Not clamp, whose slope at zero depends on the version of torch: a gene at zero must be able to rise.
        return self.function(torch.where(x < 0, 0, x).expm1() * self._scale)

    def fingerprint(self) -> str:
        """Digest of the name and, for a module, of its layers, parameters, settings and mode; of a function no more can be told."""
        parts: list[str | np.ndarray] = [self.name]
        parts += [] if self._scale is None else [f"counts {self._scale!r}"]
        if not isinstance(self.function, torch.nn.Module):
            return digest(*parts)
        parts.append(repr(self.function))
        # Buffers that are not saved decide too.
        values = dict(self.function.named_buffers()) | self.function.state_dict()
        for name, value in sorted(values.items()):
            # As bytes, since numpy has no bfloat16.
            data = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
            parts += [f"{name} {value.dtype} {tuple(value.shape)}", data]
        return digest(*parts, *_settings(self.function))


def _settings(module: torch.nn.Module) -> list[str | np.ndarray]:
    """Attributes of a module and its parts that are no weights, and decide its output all the same."""
    found: list[str | np.ndarray] = []
    for name, part in module.named_modules():
        for key, value in sorted(vars(part).items()):
            # Of what is private only plain values are settings: a module that remembers is no other module.
            if key == "training" or not (key.startswith("_") and (key in _TORCH or not isinstance(value, _PLAIN))):
                found += _told(f"{name}.{key}", value)
    return found


def _told(key: str, value: object) -> list[str | np.ndarray]:
    """A setting by its contents, as far as those are plain."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value if value.dtype != torch.bfloat16 else value.float()).numpy()
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, np.ndarray) and value.dtype != object:
        return [key, value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = vars(value)
    if isinstance(value, tuple | list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        parts = [_told(f"{key}[{each!r}]", value[each]) for each in sorted(value, key=str)]
        return [f"{key}: {len(parts)}", *(told for part in parts for told in part)]
    if value is None or isinstance(value, _PLAIN):
        return [f"{key}={value!r}"]
    return [f"{key}: {getattr(value, '__qualname__', type(value).__qualname__)}"]


def as_encoder(
    function: Encoder | torch.nn.Module | Callable[[Tensor], Tensor],
    *,
    name: str | None = None,
    affine: bool = False,
    depth: float | None = None,
    target_sum: float = 1e4,
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
    depth
        For a map of raw counts: counts of a typical cell over its full transcriptome. States, which are log-normalised, then
        reach the map as ``expm1(x) * depth / target_sum``.
    target_sum
        Sum that cells were normalised to.

    Returns
    -------
    The encoder.

    Examples
    --------
    >>> import torch
    >>> encoder = as_encoder(torch.nn.Linear(3, 2), affine=True)
    >>> encoder.encode(torch.ones(4, 3)).shape
    torch.Size([4, 2])

    A model that was trained on raw counts:

    >>> counts = as_encoder(torch.log1p, depth=12_000)
    >>> counts.encode(torch.log1p(torch.tensor([0.0, 2.5]))).expm1()
    tensor([0.0000, 3.0000])
    """
    if isinstance(function, Encoder):
        if depth is not None:
            raise InputError(
                f"depth={depth!r}: encoder={function.name!r} is an encoder already. Give it its own depth."
            )
        return function
    if not callable(function):
        msg = f"encoder={function!r} is neither an encoder, a torch module nor a function. Pass a map of a tensor."
        raise InputError(msg)
    return Wrapped(function, name=name, affine=affine, depth=depth, target_sum=target_sum)


def require_differentiable(encoder: Encoder, x: Tensor) -> None:
    """Refuse an encoder that does not return one vector per state or that stops gradients.

    Parameters
    ----------
    encoder
        The encoder.
    x
        Two or more states (n, genes) to try it on, where and in the precision that the states of a fit will be in.
    """
    probe = x.detach().clone().requires_grad_()
    try:
        with torch.enable_grad():
            encoded = encoder.encode(probe)
    # Asked only afterwards, since an encoder may well convert its input.
    except RuntimeError as error:
        _explain_placement(encoder, probe, error)
        msg = (
            f"encoder={encoder.name!r} failed on states of shape {tuple(probe.shape)}, a value for each gene of the panel: "
            f"{str(error).splitlines()[0]} It must take tensors of that width, and be written with torch, not numpy."
        )
        raise InputError(msg) from error
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


def _explain_placement(encoder: Encoder, x: Tensor, error: RuntimeError) -> None:
    """Refuse an encoder that failed and whose parameters are not where, or not in the precision, that states are in."""
    dtype, device = placement(encoder)
    if not isinstance(getattr(encoder, "function", None), torch.nn.Module) or (dtype, device.type) == (
        x.dtype,
        x.device.type,
    ):
        return
    kind = str(x.dtype).removeprefix("torch.")
    msg = (
        f"encoder={encoder.name!r} has parameters of {str(dtype).removeprefix('torch.')} on {device}, but the states of the fit "
        f"are {kind} on {x.device} ({str(error).splitlines()[0]}). Move it with .to({str(x.device)!r}, torch.{kind}), or "
        "give tl.fit its dtype= and device=."
    )
    raise InputError(msg) from error
