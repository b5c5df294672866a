"""Spectral radius of the linearised core: a rigorous cheap bound, a tracked estimate, and the exact value."""

from __future__ import annotations

import torch
from torch import Tensor

from scclamp.physics.linearisation import Dense, Factored, Linearisation

_FLOOR = 1e-3
"""Share of every direction in the vector that a tracked radius carries on."""


def spectral_radius(linearisation: Linearisation) -> Tensor:
    """Largest absolute eigenvalue of each condition's matrix, from its full spectrum in float64.

    Examples
    --------
    >>> import torch
    >>> from scclamp.physics.linearisation import Dense
    >>> spectral_radius(Dense(torch.tensor([[[0.0, -0.5], [0.5, 0.0]]])))
    tensor([0.5000], dtype=torch.float64)
    """
    matrix = linearisation.dense().detach().to(torch.float64)
    return torch.linalg.eigvals(matrix).abs().amax(-1)


def stability_limit(n_regulators: int, dtype: torch.dtype) -> float:
    """Spectral radius below which a core of that order is called stable.

    Eigenvalues are known to rounding only, and what cannot be told from one is not called stable.

    Examples
    --------
    >>> import torch
    >>> 0.999 < stability_limit(100, torch.float32) < 1
    True
    """
    return 1 - 10 * n_regulators * torch.finfo(dtype).eps


def radius_bound(linearisation: Linearisation, n_steps: int = 12) -> Tensor:
    """Upper bound of the spectral radius of each condition, by Collatz and Wielandt on the absolute matrix.

    For any positive vector v, ``rho(M) <= rho(|M|) <= max_i (|M| v)_i / v_i``; a few power steps make the bound tight
    when one sign dominates. It is rigorous but can be loose where signs cancel.
    """
    if isinstance(linearisation, Factored):
        absolute: Linearisation = Factored(linearisation.A.abs(), linearisation.left.abs(), linearisation.right.abs())
        v = torch.ones_like(linearisation.left)
    else:
        matrix = linearisation.dense().abs()
        absolute, v = Dense(matrix), matrix.new_ones(matrix.shape[:-1])
    bound = v.new_full(v.shape[:-1], torch.inf)
    for _ in range(n_steps):
        product = absolute.jvp(v)
        bound = torch.minimum(bound, (product / v).amax(-1))
        # A floor keeps v positive where rows vanish (clamped regulators), at a small price in tightness.
        v = product + 1e-3 * product.amax(-1, keepdim=True).clamp(min=torch.finfo(v.dtype).tiny)
        v = v / v.amax(-1, keepdim=True)
    return bound


def track_radius(linearisation: Linearisation, v: Tensor, n_steps: int = 4) -> tuple[Tensor, Tensor]:
    """Estimate the spectral radius from a vector carried over from the last call, with `n_steps` products or a few more.

    Power steps turn the vector towards the dominant eigenvectors; the last two products span a plane, whose two Ritz
    values also get rotating and sign-flipping pairs right. Three and more eigenvalues of one size (a ring of regulators) have
    small Ritz values in any plane, but not a small growth, so the larger of the two counts; the growth may overestimate.
    Returns the estimate per condition and the vector to carry on, which keeps a little of every direction: feedback may
    appear in a part of the network that was not connected before.
    """
    tiny, small = torch.finfo(v.dtype).tiny, torch.finfo(v.dtype).eps ** 0.5
    for _ in range(max(n_steps - 2, 0)):
        v = _unit(linearisation.jvp(v), tiny)
    q = _unit(v, tiny)
    along = linearisation.jvp(q)
    h11 = (q * along).sum(-1)
    rest = along - h11[..., None] * q
    h21 = torch.linalg.vector_norm(rest, dim=-1)
    aligned = h21 <= small * h11.abs()
    p = rest / h21.clamp(min=tiny)[..., None]
    across = linearisation.jvp(p)
    half, h12 = (p * across).sum(-1), (q * across).sum(-1)
    det = h11 * half - h12 * h21
    half = 0.5 * (h11 + half)
    square = half * half - det
    pair = torch.where(square < 0, det.abs().sqrt(), half.abs() + square.clamp(min=0).sqrt())
    further = linearisation.jvp(along)
    growth = torch.linalg.vector_norm(further, dim=-1).sqrt()
    estimate = torch.maximum(torch.where(aligned, h11.abs(), pair), growth)
    return estimate, _unit(_unit(further, tiny) + _FLOOR * v.shape[-1] ** -0.5, tiny)


def _unit(v: Tensor, tiny: float) -> Tensor:
    """Normalise; a vanished vector (no feedback yet) starts afresh, or it would stay blind to feedback that appears later."""
    norm = torch.linalg.vector_norm(v, dim=-1, keepdim=True)
    return torch.where(norm > tiny, v / norm.clamp(min=tiny), torch.full_like(v, v.shape[-1] ** -0.5))
