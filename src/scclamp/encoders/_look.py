"""A cheap look through an encoder, with a warning of what it does not show."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch

from scclamp._errors import InputWarning
from scclamp.encoders._check import quick_check
from scclamp.encoders._trial import try_out, try_out_rows

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from scclamp.encoders._encoder import Encoder


def look_through(encoder: Encoder, means: np.ndarray, *, gradients: bool = True, stacklevel: int) -> None:
    """Refuse an encoder that fails, and warn of one that shows little or is not the same twice.

    Parameters
    ----------
    encoder
        The encoder.
    means
        Mean expression (conditions, genes), that of the control first.
    gradients
        Whether gradients will be wanted.
    stacklevel
        Frames up to the user's, as of `warnings.warn` where this is called.
    """
    try_out_rows(encoder, means, gradients=gradients)
    failures = quick_check(encoder, means, gradients=gradients).failures
    if failures:
        msg = (
            f"encoder={encoder.name!r} fails {len(failures)} checks: {'; '.join(failures)}. See scclamp.encoders.check."
        )
        warnings.warn(msg, InputWarning, stacklevel=stacklevel + 1)


def look_twice(
    encoder: Encoder, x: Tensor, *, argument: str = "encoder", gradients: bool = True, stacklevel: int
) -> None:
    """Refuse a map that fails on some states, and warn of one that answers differently to the same states."""
    try_out(encoder, x, argument=argument, gradients=gradients)
    with torch.no_grad():
        first, again = encoder.encode(x), encoder.encode(x)
    if not torch.equal(first.nan_to_num(), again.nan_to_num()):
        msg = (
            f"{argument}={encoder.name!r} answers differently to the same states: dropout, or another source of chance, is on, "
            "and its answers are mostly noise. Call .eval() on the module first."
        )
        warnings.warn(msg, InputWarning, stacklevel=stacklevel + 1)
