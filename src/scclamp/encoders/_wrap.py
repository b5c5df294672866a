"""Any torch module or function as an encoder, in one line."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scclamp._device import read_device, require_precision
from scclamp._errors import InputError
from scclamp.encoders._depth import counts_per_unit
from scclamp.encoders._encoder import Encoder, digest
from scclamp.encoders._finite import require_real
from scclamp.encoders._module import module_of

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
    depth, target_sum, dtype, device
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
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
    ) -> None:
        self.function = function
        self.name: str = name or getattr(function, "__name__", "") or type(function).__name__
        self.affine = affine
        self.input = "log" if depth is None else "counts"
        self._scale = None if depth is None else counts_per_unit(depth, target_sum)
        self.dtype = None if dtype is None else require_precision(dtype)
        self.device = None if device is None else torch.device(read_device(str(device)))
        if affine and depth is not None:
            raise InputError(
                f"affine=True with depth={depth!r}: counts are no affine map of log-normalised expression. Leave one out."
            )

    def encode(self, x: Tensor) -> Tensor:
        """Encode states (..., genes)."""
        return self._ask(self.function, x)

    def _ask(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """Bring states to a map, and its answer back."""
        # Not clamp, whose slope at zero depends on the version of torch: a gene at zero must be able to rise.
        given = x if self._scale is None else torch.where(x < 0, 0, x).expm1() * self._scale
        if self.dtype is None and self.device is None:
            return function(given)
        require_real(x, self.name)
        found = function(given.to(device=self.device, dtype=self.dtype))
        # What is no tensor is for the trial to explain.
        return found.to(x) if isinstance(found, torch.Tensor) else found

    def fingerprint(self) -> str:
        """Digest of the name and, for a module or a method of one, of its layers, parameters, settings and mode; of a function no more can be told."""
        parts: list[str | np.ndarray] = [self.name]
        parts += [] if self._scale is None else [f"counts {self._scale!r}"]
        parts += [] if self.dtype is None else [f"in {self.dtype}"]
        module = module_of(self)
        if module is None:
            return digest(*parts)
        parts += [] if module is self.function else [f"method {getattr(self.function, '__qualname__', '')}"]
        parts.append(repr(module))
        # Buffers that are not saved decide too.
        values = dict(module.named_buffers()) | module.state_dict()
        for name, value in sorted(values.items()):
            if value.is_meta:
                raise InputError(
                    f"encoder={self.name!r} has parameters without values (device meta). Load its weights."
                )
            # As bytes, since numpy has no bfloat16.
            data = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
            parts += [f"{name} {value.dtype} {tuple(value.shape)}", data]
        return digest(*parts, *_settings(module))


class WithHead(Wrapped):
    """A wrapped map whose model has an expression head too.

    Parameters
    ----------
    function
        As for :class:`Wrapped`.
    head
        Map of states (..., genes), as `function` takes them, to expression (..., genes).
    settings
        As for :class:`Wrapped`.
    """

    def __init__(self, function: torch.nn.Module | Callable[[Tensor], Tensor], *, head: Any, **settings: Any) -> None:
        super().__init__(function, **settings)
        self.head = head

    def reconstruct(self, x: Tensor) -> Tensor:
        """Reconstruct the expression of states (..., genes), in the unit of the model."""
        return self._ask(self.head, x)

    def fingerprint(self) -> str:
        """Digest of both maps."""
        head = Wrapped(self.head)
        # The parameters of one model are read once.
        same = module_of(head) is not None and module_of(head) is module_of(self)
        return digest(super().fingerprint(), head.name if same else head.fingerprint())


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
    reconstruct: Callable[[Tensor], Tensor] | None = None,
    name: str | None = None,
    affine: bool = False,
    depth: float | None = None,
    target_sum: float = 1e4,
    dtype: torch.dtype | None = None,
    device: str | torch.device | None = None,
) -> Encoder:
    """Make an encoder of anything differentiable.

    Parameters
    ----------
    function
        An encoder, which is returned as it is, a `torch.nn.Module`, or a function of a tensor.
    reconstruct
        Map of the same states to expression (..., genes), which :func:`scclamp.tl.probe_grn` asks; by default a method of that
        name, where `function` has one. It is given states as `function` is, and its answer is left in the unit of the model.
    name
        Short name for records.
    affine
        Whether the map is affine, so that means may be encoded instead of cells.
    depth
        For a map of raw counts: counts of a typical cell over its full transcriptome. States, which are log-normalised, then
        reach the map as ``expm1(x) * depth / target_sum``.
    target_sum
        Sum that cells were normalised to.
    dtype, device
        Precision and place in which the map takes states, which are brought there and back. Those of a module, or of a method
        of one, are known; a function around a model in single precision needs ``dtype=torch.float32``.

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

    A model with an expression head:

    >>> down, up = torch.nn.Linear(3, 2), torch.nn.Linear(2, 3)
    >>> model = as_encoder(down, reconstruct=lambda x: up(down(x)))
    >>> model.reconstruct(torch.ones(4, 3)).shape
    torch.Size([4, 3])

    A function around a model in single precision:

    >>> model = torch.nn.Linear(3, 2)
    >>> single = as_encoder(lambda x: model(x).tanh(), dtype=torch.float32)
    >>> single.encode(torch.ones(4, 3, dtype=torch.float64)).dtype
    torch.float64
    """
    if isinstance(function, Encoder):
        own = {"reconstruct": reconstruct, "depth": depth, "dtype": dtype, "device": device}
        if told := [f"{key}={value!r}" for key, value in own.items() if value is not None]:
            raise InputError(
                f"{', '.join(told)}: encoder={function.name!r} is an encoder already. Give it its own, or wrap its method: "
                "as_encoder(encoder.encode, ...)."
            )
        return function
    if not callable(function):
        msg = f"encoder={function!r} is neither an encoder, a torch module nor a function. Pass a map of a tensor."
        raise InputError(msg)
    own_head = getattr(function, "reconstruct", None)
    # A layer of that name maps representations, not states.
    has_head = callable(own_head) and not isinstance(own_head, torch.nn.Module)
    head = own_head if reconstruct is None and has_head else reconstruct
    settings: Any = {
        "name": name,
        "affine": affine,
        "depth": depth,
        "target_sum": target_sum,
        "dtype": dtype,
        "device": device,
    }
    if reconstruct is not None and not callable(reconstruct):
        raise InputError(f"reconstruct={reconstruct!r} is no map of a tensor. Pass a torch module or a function.")
    return Wrapped(function, **settings) if head is None else WithHead(function, head=head, **settings)
