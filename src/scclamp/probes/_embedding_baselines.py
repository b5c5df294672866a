"""Older ways to read a network from a model: silencing a gene, and comparing embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scclamp.probes._virtual_value import BATCH_SIZE, set_gene, virtual_value_perturbation

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Map = Callable[[Tensor], Tensor]


def silencing_change(
    reconstruct: Map, state: Tensor, sources: Tensor, targets: Tensor, *, batch_size: int = BATCH_SIZE
) -> Tensor:
    """What each source contributes to each target, ``M(x)_j - M(x without i)_j`` (Pert of the paper).

    Parameters
    ----------
    reconstruct
        Map of states (n, genes) to reconstructed expression (n, genes).
    state
        Mean expression (genes,).
    sources, targets
        Positions of genes.
    batch_size
        States at a time.

    Returns
    -------
    Contributions (sources, targets); a source that is not expressed has none.

    Examples
    --------
    >>> import torch
    >>> W = torch.tensor([[0.0, 3.0], [0.0, 0.0]])
    >>> silencing_change(lambda x: x @ W, torch.tensor([2.0, 1.0]), torch.arange(2), torch.arange(2))
    tensor([[0., 6.],
            [0., 0.]])
    """
    change = virtual_value_perturbation(reconstruct, state, state.new_zeros(1), sources, targets, batch_size=batch_size)
    return -change[..., 0]


def embedding_similarity(embeddings: Tensor, sources: Tensor, targets: Tensor, *, cosine: bool = True) -> Tensor:
    """Similarity of the embeddings of two genes (Emb of the paper, without its translator); the same in both directions.

    Parameters
    ----------
    embeddings
        A vector for each gene (genes, d).
    sources, targets
        Positions of genes.
    cosine
        Whether to compare directions only; otherwise the inner product.

    Returns
    -------
    Similarities (sources, targets); 0 to a vector without length.

    Examples
    --------
    >>> import torch
    >>> embedding_similarity(torch.tensor([[3.0, 4.0], [3.0, 0.0]]), torch.tensor([0]), torch.tensor([0, 1]))
    tensor([[1.0000, 0.6000]])
    """
    # Not torch's own normalisation, which bends vectors that are short but not zero.
    length = torch.linalg.vector_norm(embeddings, dim=1, keepdim=True)
    vectors = embeddings / torch.where(length > 0, length, 1.0) if cosine else embeddings
    return vectors[sources] @ vectors[targets].T


def embedding_sum(embeddings: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
    """Features of the paper's Emb for a translator: the sum of the two embeddings of each pair.

    A sum is the same in both directions, so that no translator can tell a source from its target by it; and it is made of what the
    model has of each gene, not of their relation, so that a translator that meets a gene again may know it by name.

    Parameters
    ----------
    embeddings
        A vector for each gene (genes, d).
    sources, targets
        Positions of genes, one of each for every pair (n,).

    Returns
    -------
    Features (n, d).

    Examples
    --------
    >>> import torch
    >>> embedding_sum(torch.tensor([[3.0, 4.0], [3.0, 0.0]]), torch.tensor([0]), torch.tensor([1]))
    tensor([[6., 4.]])
    """
    return embeddings[sources] + embeddings[targets]


@torch.no_grad()
def embedding_shift(encode: Map, state: Tensor, genes: Tensor, *, batch_size: int = BATCH_SIZE) -> Tensor:
    """Change of the representation of a cell when each gene is silenced; needs no reconstruction.

    Parameters
    ----------
    encode
        Map of states (n, genes) to representations (n, d).
    state
        Mean expression (genes,).
    genes
        Positions of genes.
    batch_size
        States at a time.

    Returns
    -------
    Changes (genes, d), to be compared by `embedding_similarity`.

    Examples
    --------
    >>> import torch
    >>> embedding_shift(lambda x: 2 * x, torch.tensor([3.0, 1.0]), torch.tensor([0]))
    tensor([[-6.,  0.]])
    """
    rest = encode(state[None])
    return torch.cat(
        [encode(set_gene(state, some, state.new_zeros(len(some)))) - rest for some in genes.split(batch_size)]
    )
