"""The derivative of any map along a direction, whatever the map knows of forward mode."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def along(encode: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> Tensor:
    """Product of the Jacobian at each state with its direction; states do not see each other.

    The Jacobian is the one that a gradient is taken with: what a map computes under `no_grad` is constant.

    Parameters
    ----------
    encode
        Map of states (n, genes) to (n, d).
    x, v
        States and directions (n, genes).

    Returns
    -------
    Derivatives (n, d).
    """
    # Fused attention knows neither forward mode nor a second derivative on the CPU.
    with sdpa_kernel(SDPBackend.MATH):
        try:
            with torch.enable_grad(), _NoGradIsConstant(), warnings.catch_warnings():
                # torch itself, when it loads what forward mode needs.
                warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
                # Parameters that nobody froze may have left a graph.
                return torch.func.jvp(encode, (x.detach(),), (v.detach(),))[1].detach()
        except (NotImplementedError, RuntimeError):
            pass
        # Twice backward, for operations without forward mode: J^T u is linear in u, and its derivative along v is J v.
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            value = encode(x)
            if not value.requires_grad:
                return torch.zeros_like(value)
            u = torch.zeros_like(value, requires_grad=True)
            (pulled,) = torch.autograd.grad(value, x, u, create_graph=True)
            (answer,) = torch.autograd.grad(pulled, u, v)
        return answer


class _NoGradIsConstant(TorchFunctionMode):
    """Forward mode where gradients are recorded, and only there; by itself it does not heed `no_grad`."""

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        with forward_ad._set_fwd_grad_enabled(torch.is_grad_enabled()):
            return func(*args, **(kwargs or {}))
