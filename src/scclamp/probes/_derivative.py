"""The derivative of any map along a direction, whatever the map knows of forward mode."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def along(encode: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> Tensor:
    """Product of the Jacobian at each state with its direction; states do not see each other.

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
            with torch.no_grad(), warnings.catch_warnings():
                # torch itself, when it loads what forward mode needs.
                warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
                return torch.func.jvp(encode, (x,), (v,))[1]
        except (NotImplementedError, RuntimeError):
            pass
        # Twice backward, for operations without forward mode: J^T u is linear in u, and its derivative along v is J v.
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            value = encode(x)
            u = torch.zeros_like(value, requires_grad=True)
            (pulled,) = torch.autograd.grad(value, x, u, create_graph=True)
            (answer,) = torch.autograd.grad(pulled, u, v)
        return answer
