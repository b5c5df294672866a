"""Gradient Trajectory: slopes of reconstructed genes in one gene, along a series of baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scclamp._errors import InputError
from scclamp.probes import _derivative
from scclamp.probes._virtual_value import BATCH_SIZE, empty_features, pairs, set_gene

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from scclamp.probes._virtual_value import Reconstruct, Watch

FORWARD_COSTS = 5
"""Backward passes that one forward derivative of a transformer takes as long as; other maps are quick either way."""


def gradient_trajectory(
    reconstruct: Reconstruct,
    background: Tensor,
    values: Tensor,
    sources: Tensor,
    targets: Tensor,
    *,
    batch_size: int = BATCH_SIZE,
    watch: Watch = iter,
) -> Tensor:
    """Slope of each target in each source where that source alone has each value, ``dM(v with v_i = value)_j / dv_i``.

    As every source has states of its own, the slopes are taken forward, one product with the Jacobian for each state.

    Parameters
    ----------
    reconstruct
        Differentiable map of states (n, genes) to reconstructed expression (n, genes).
    background
        State of all other genes (genes,). The paper has one and the same number for every gene.
    values
        Baselines of a source (t,).
    sources, targets
        Positions of genes.
    batch_size
        States at a time.
    watch
        What the batches pass through, such as a progress bar.

    Returns
    -------
    Slopes (sources, targets, t): the features of each pair.

    Examples
    --------
    >>> import torch
    >>> genes = torch.arange(2)
    >>> gradient_trajectory(lambda x: x**2, torch.ones(2), torch.tensor([0.5, 2.0]), genes, genes)[0]
    tensor([[1., 4.],
            [0., 0.]])
    """
    _require_gradient(reconstruct, background)

    def state(i: Tensor, t: Tensor) -> Tensor:
        return set_gene(background, sources[i], values[t])

    found = empty_features(background, sources, targets, len(values))
    return _forward(reconstruct, state, sources, targets, found, batch_size, watch)


def gradient_path(
    reconstruct: Reconstruct,
    states: Tensor,
    sources: Tensor,
    targets: Tensor,
    *,
    batch_size: int = BATCH_SIZE,
    watch: Watch = iter,
) -> Tensor:
    """Slope of each target in each source at states that all pairs share, such as shares of a cell.

    Taken backward for each target, each pass for a whole batch of states; or forward for each source, where sources are several
    times fewer: attention has a fused form backward, and none forward.

    Parameters
    ----------
    reconstruct
        Differentiable map of states (n, genes) to reconstructed expression (n, genes).
    states
        States (t, genes).
    sources, targets
        Positions of genes.
    batch_size
        States at a time.
    watch
        What the batches pass through, such as a progress bar.

    Returns
    -------
    Slopes (sources, targets, t): the features of each pair.

    Examples
    --------
    >>> import torch
    >>> genes = torch.arange(2)
    >>> gradient_path(lambda x: x**2, torch.tensor([[0.5, 1.0], [2.0, 3.0]]), genes, genes)[1]
    tensor([[0., 0.],
            [2., 6.]])
    """
    _require_gradient(reconstruct, states[0])
    found = empty_features(states, sources, targets, len(states))
    if len(targets) <= FORWARD_COSTS * len(sources):
        return _backward(reconstruct, states, sources, targets, found, batch_size, watch)
    return _forward(reconstruct, lambda _, t: states[t], sources, targets, found, batch_size, watch)


def path_of(state: Tensor, n: int) -> Tensor:
    """Points between the empty state and a state, in the middle of n equal parts of the way.

    In the middle, so that neither the empty state is met, where normalisations have no slope, nor the mean slope is off:
    times the state it is the difference of the two ends, as with integrated gradients.

    Parameters
    ----------
    state
        The far end (genes,).
    n
        How many.

    Returns
    -------
    States (n, genes).

    Examples
    --------
    >>> import torch
    >>> path_of(torch.tensor([4.0]), 2)
    tensor([[1.],
            [3.]])
    """
    share = (torch.arange(n, dtype=state.dtype, device=state.device) + 0.5) / n
    return share[:, None] * state


def _forward(
    reconstruct: Reconstruct,
    state: Callable[[Tensor, Tensor], Tensor],
    sources: Tensor,
    targets: Tensor,
    found: Tensor,
    batch_size: int,
    watch: Watch,
) -> Tensor:
    for i, t in watch(pairs(found.shape[0], found.shape[2], batch_size, found.device)):
        x = state(i, t)
        along = torch.zeros_like(x).scatter_(1, sources[i][:, None], 1.0)
        # Fused attention knows neither a forward mode nor a second derivative.
        found[i, :, t] = _derivative.along(lambda x: reconstruct(x)[:, targets], x, along).detach()
    return found


def _backward(
    reconstruct: Reconstruct,
    states: Tensor,
    sources: Tensor,
    targets: Tensor,
    found: Tensor,
    batch_size: int,
    watch: Watch,
) -> Tensor:
    for at in torch.arange(len(states), device=states.device).split(batch_size):
        x = states[at].detach().requires_grad_()
        with torch.enable_grad():
            # States do not see each other, so the gradient of the sum has a row for each of them.
            values = reconstruct(x)[:, targets].sum(0)
        for j in watch(range(len(targets))):
            (slopes,) = torch.autograd.grad(values[j], x, retain_graph=j + 1 < len(targets))
            found[:, j, at] = slopes[:, sources].T
    return found


def _require_gradient(reconstruct: Reconstruct, state: Tensor) -> None:
    """Without this, a map that stops gradients would look like one in which no gene depends on another."""
    x = state[None].detach().requires_grad_()
    with torch.enable_grad():
        value = reconstruct(x).sum()
    # Frozen or not, parameters alone may make the result differentiable.
    if not value.requires_grad or torch.autograd.grad(value, x, allow_unused=True)[0] is None:
        raise InputError(
            "reconstruct stops gradients: its result does not depend on its input for torch. Take out no_grad, detach and "
            "conversions to numpy, or use method='virtual', which needs none."
        )
