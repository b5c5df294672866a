"""Virtual Value Perturbation: how reconstructed genes answer when one gene is set to a series of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scclamp._errors import InputError
from scclamp._memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from torch import Tensor

    Reconstruct = Callable[[Tensor], Tensor]
    Watch = Callable[[Iterable[Any]], Iterable[Any]]

BATCH_SIZE = 32
"""States reconstructed at a time, where nothing else is said: a transformer takes far more memory than its input."""


@torch.no_grad()
def virtual_value_perturbation(
    reconstruct: Reconstruct,
    background: Tensor,
    values: Tensor,
    sources: Tensor,
    targets: Tensor,
    *,
    batch_size: int = BATCH_SIZE,
    watch: Watch = iter,
) -> Tensor:
    """Change of each target when each source alone is set to each value, ``M(v with v_i = value)_j - M(v)_j``.

    Parameters
    ----------
    reconstruct
        Map of states (n, genes) to reconstructed expression (n, genes).
    background
        State of all genes before (genes,). The paper has one and the same number for every gene.
    values
        What a source is set to (m,).
    sources, targets
        Positions of genes.
    batch_size
        States reconstructed at a time.
    watch
        What the batches pass through, such as a progress bar.

    Returns
    -------
    Changes (sources, targets, m): the features of each pair.

    Examples
    --------
    >>> import torch
    >>> W = torch.tensor([[0.0, 3.0], [0.0, 0.0]])
    >>> genes = torch.arange(2)
    >>> virtual_value_perturbation(lambda x: x @ W, torch.ones(2), torch.tensor([0.0, 2.0]), genes, genes)[0]
    tensor([[ 0.,  0.],
            [-3.,  3.]])
    """
    found = empty_features(background, sources, targets, len(values))
    rest = reconstruct(background[None])[0, targets]
    for i, m in watch(pairs(len(sources), len(values), batch_size, background.device)):
        found[i, :, m] = reconstruct(set_gene(background, sources[i], values[m]))[:, targets] - rest
    return found


def effect_and_strength(features: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Condense the features of each pair into a signed slope and a strength; a line of slope w has w and ``|w|``.

    The slope is that of the line through the origin by least squares, ``sum(step e) / sum(step^2)``; the strength is
    ``sqrt(sum(e^2) / sum(step^2))``, which answers that go up and down again do not cancel. Slopes are features of steps of 1.

    Parameters
    ----------
    features
        Changes, or slopes, of each pair (sources, targets, m).
    steps
        By how much each source was moved (sources, m).

    Returns
    -------
    Slope and strength (sources, targets).

    Examples
    --------
    >>> import torch
    >>> effect_and_strength(torch.tensor([[[-2.0, 2.0, 4.0]]]), torch.tensor([[-1.0, 1.0, 2.0]]))
    (tensor([[2.]]), tensor([[2.]]))
    """
    length = steps.square().sum(-1)[:, None]
    if not (length > 0).all():
        still = int((length[:, 0] == 0).nonzero()[0])
        raise InputError(
            f"values leave source {still} where it is, so nothing is asked. Give values off the background."
        )
    slope = torch.einsum("stm,sm->st", features, steps) / length
    return slope, (features.square().sum(-1) / length).sqrt()


def empty_features(background: Tensor, sources: Tensor, targets: Tensor, n: int) -> Tensor:
    """Room for the features of all pairs, refused when it would not fit."""
    shape = len(sources), len(targets), n
    size = background.element_size() * len(sources) * len(targets) * n
    require_memory(size, f"Features of {len(sources)} x {len(targets)} pairs", "Ask for fewer sources at a time")
    return background.new_empty(shape)


def pairs(n: int, m: int, batch_size: int, device: torch.device) -> list[tuple[Tensor, Tensor]]:
    """All pairs of two indices, as many at a time as a batch holds."""
    flat = torch.arange(n * m, device=device)
    return [(part // m, part % m) for part in flat.split(batch_size)]


def set_gene(background: Tensor, gene: Tensor, value: Tensor) -> Tensor:
    """Copies of the background, each with one gene at another value."""
    return background.expand(len(gene), -1).scatter(1, gene[:, None], value[:, None])
