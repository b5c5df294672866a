"""Which of many fixed points are stable, without the eigenvalues of all of them."""

from __future__ import annotations

import torch
from torch import Tensor

from scclamp.physics import Linearisation, radius_bound, spectral_radius, stability_limit

_SQUARINGS = 6


def power_bound(matrices: Tensor) -> Tensor:
    """Upper bound of the spectral radius from a norm of a high power, ``rho(M) <= |M^64|^(1/64)``.

    Rigorous, and tight where the bound from absolute values is not: signs may cancel.

    Parameters
    ----------
    matrices
        Square matrices (..., n, n).

    Examples
    --------
    >>> import torch
    >>> rotation = torch.tensor([[0.0, -0.8], [0.8, 0.0]])
    >>> power_bound(rotation).item()
    0.8
    """
    power, log_scale = matrices, matrices.new_zeros(matrices.shape[:-2])
    for _ in range(_SQUARINGS):
        norm = _norm(power).clamp(min=torch.finfo(power.dtype).tiny)
        power = power / norm[..., None, None]
        power, log_scale = power @ power, 2 * (log_scale + norm.log())
    tiny = torch.finfo(power.dtype).tiny
    return ((log_scale + _norm(power).clamp(min=tiny).log()) / 2**_SQUARINGS).exp()


def _norm(matrices: Tensor) -> Tensor:
    return matrices.abs().sum(-1).amax(-1)


def bounded_radius(linearisation: Linearisation, n_regulators: int, n_dense: int) -> tuple[Tensor, Tensor]:
    """Upper bound of the spectral radius of every entry, and whether the entry is certainly stable.

    The cheap bound clears nearly all; what is left is looked at more closely, and only what no bound clears gets its
    eigenvalues.

    Parameters
    ----------
    linearisation
        Of the core at the fixed points (*batch, conditions).
    n_regulators
        Order of the matrices.
    n_dense
        Number of matrices to hold at a time.

    Returns
    -------
    Bounds and marks (*batch, conditions); both judge NaN as unstable.
    """
    bound = radius_bound(linearisation).clone()
    limit = stability_limit(n_regulators, bound.dtype)
    for part in _parts(bound.isfinite() & (bound >= limit), n_dense):
        bound[part] = torch.minimum(bound[part], power_bound(linearisation.select(part).dense()))
    stable = bound < limit
    for part in _parts(bound.isfinite() & ~stable, n_dense):
        radius = spectral_radius(linearisation.select(part)).to(bound)
        bound[part], stable[part] = radius, radius < limit
    return bound, stable


def _parts(chosen: Tensor, size: int) -> list[tuple[Tensor, ...]]:
    index = chosen.nonzero()
    return [part.unbind(-1) for part in index.split(size)] if len(index) else []
