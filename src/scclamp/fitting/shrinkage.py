"""Shrinks noisy condition means before a network is fitted to them: a low-rank part plus a few large entries.

Most of a screen's shifts lie along few programs, and the rest is sampling noise that a network with one column per
regulator would reproduce to the last digit. Singular values are shrunk by the factor ``s^2 / (s^2 + penalty)``; single
entries that stand out of what is left (direct targets) are kept by the factor ``r^2 / (r^2 + threshold^2)``.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from scclamp.fitting.problem import FitProblem

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Multiples of the estimated noise among which held-out cells choose."""
_PENALTY, _THRESHOLD = 1.25, 2.7
_ROUNDS = 4


def denoise(problem: FitProblem, strength: float | None) -> tuple[FitProblem, Tensor]:
    """Shrink the means of a problem.

    Parameters
    ----------
    problem
        Single-gene conditions and the control.
    strength
        Assumed noise in multiples of the estimated one; 0 changes nothing. None lets the validation cells choose among
        `STRENGTHS`; without any it is 1.

    Returns
    -------
    The problem with shrunken means, and the strength that was used for each replicate (...).
    """
    problem.require_finite()
    if strength is None:
        strengths = _choose(problem) if problem.has_validation else torch.ones(problem.train.shape[:-2])
    else:
        strengths = torch.full(problem.train.shape[:-2], strength)
    if not strengths.any():
        return problem, strengths
    same = problem.train is problem.means or torch.equal(problem.train, problem.means)
    train = _shrink_means(problem.train, strengths)
    means = train if same else _shrink_means(problem.means, strengths)
    return replace(problem, train=train, means=means, given=problem.digests), strengths


def low_rank_plus_sparse(shifts: Tensor, noise: Tensor) -> Tensor:
    """Shrink shifts (..., conditions, d) under noise of that standard deviation (...) in every entry.

    Examples
    --------
    >>> import torch
    >>> from scclamp.fitting.shrinkage import low_rank_plus_sparse
    >>> shifts = torch.zeros(4, 50, dtype=torch.float64)
    >>> shifts[0, 0] = 5.0
    >>> bool(low_rank_plus_sparse(shifts, torch.tensor(0.1))[0, 0] > 4.8)
    True
    """
    noise = noise.to(shifts)[..., None]
    penalty = _PENALTY * max(shifts.shape[-2:]) * noise.square()
    threshold = (_THRESHOLD * noise[..., None]).square()
    sparse = torch.zeros_like(shifts)
    for _ in range(_ROUNDS):
        U, s, V = torch.linalg.svd(shifts - sparse, full_matrices=False)
        low_rank = (U * (s * _share(s.square(), penalty))[..., None, :]) @ V
        rest = shifts - low_rank
        sparse = rest * _share(rest.square(), threshold)
    return low_rank + sparse


def noise_level(shifts: Tensor) -> Tensor:
    """Standard deviation of the noise in shifts (..., conditions, d), from their median entry and singular value.

    Both overestimate it, one where most genes respond and the other where there are few conditions, so the smaller counts.
    """
    entries = shifts.flatten(-2)
    by_entry = 1.4826 * _median_of_nonzero(entries.abs())
    by_rank = torch.linalg.svdvals(shifts).quantile(0.5, dim=-1) / max(shifts.shape[-2:]) ** 0.5
    return torch.minimum(by_entry, by_rank)


def _median_of_nonzero(values: Tensor) -> Tensor:
    # Genes that no cell expresses say nothing about the noise of the others.
    return values.where(values > 0, torch.nan).nanmedian(-1).values.nan_to_num(0.0)


def _share(signal: Tensor, penalty: Tensor) -> Tensor:
    return signal / (signal + penalty).clamp(min=torch.finfo(signal.dtype).tiny)


def _shrink_means(means: Tensor, strength: Tensor) -> Tensor:
    control = means[..., :1, :]
    shifts = (means - control)[..., 1:, :].double()
    shrunk = low_rank_plus_sparse(shifts, strength.to(shifts) * noise_level(shifts))
    return torch.cat([control, control + shrunk.to(means.dtype)], -2)


def _choose(problem: FitProblem) -> Tensor:
    """Strength of each replicate whose shifts come closest to those of the validation cells."""
    held_out = (problem.validation - problem.validation[..., :1, :]).double()
    seen = held_out[..., 0].isfinite()
    errors = []
    for strength in STRENGTHS:
        means = _shrink_means(problem.train, torch.tensor(strength)) if strength else problem.train
        error = ((means - means[..., :1, :]).double() - held_out.nan_to_num()).square().sum(-1)
        errors.append((error * seen).sum(-1))
    return torch.tensor(STRENGTHS)[torch.stack(errors).argmin(0).cpu()]
