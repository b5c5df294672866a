"""Graph diffusion of GREmLN: the heat kernel of a gene network, as a Chebyshev sum that never forms it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.special import ive
from torch import nn

from scclamp._arguments import require_whole
from scclamp._errors import InputError, InputWarning, list_some

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from torch import Tensor

RELEASED_ORDER = 64
ACCURACY = 1e-10
"""Most that the kernel may lose in the spectral norm where no order is given."""
_LEAST_DEGREE = 1e-8


class Diffusion(nn.Module):
    """Apply ``exp(-beta L)`` to vectors at the genes of cells, L the normalised Laplacian among the genes of each cell.

    The network is read without direction: of both directions of an edge the stronger one counts. Degrees are sums of absolute
    weights, so that the spectrum of a signed network is in [0, 2] too; a gene without neighbours keeps its vector.

    Parameters
    ----------
    edges
        Rows and columns (2, edges) of genes.
    weights
        Their weights.
    n_genes
        Number of genes.
    beta
        Time of diffusion.
    order
        Last term of the sum; by default the first behind which less than 1e-10 is left.
    parity
        Do as the public code does: edges have direction, no weight and count as often as they are listed, degrees are those of
        outgoing edges, the constant term is not halved, genes without neighbours shrink, and the sum has 64 terms.
    """

    edges: Tensor
    weights: Tensor
    coefficients: Tensor

    def __init__(
        self,
        edges: np.ndarray,
        weights: np.ndarray,
        n_genes: int,
        *,
        beta: float = 0.1,
        order: int | None = None,
        parity: bool = False,
    ) -> None:
        super().__init__()
        if not 0 < beta < float("inf"):
            raise InputError(
                f"beta={beta!r} must be a positive number. The paper uses 0.1; leave out `network` for none."
            )
        self.n_genes, self.beta, self.parity = n_genes, float(beta), parity
        if order is None:
            order = RELEASED_ORDER if parity else _enough(beta)
        coefficients = chebyshev(beta, require_whole("order", order), halved=not parity)
        rows, columns, values = _directed(edges, n_genes) if parity else _undirected(edges, weights, n_genes)
        order_of = np.lexsort((columns, rows))
        self.register_buffer("edges", torch.as_tensor(np.stack([rows, columns])[:, order_of]))
        self.register_buffer("weights", torch.as_tensor(values[order_of]))
        self.register_buffer("coefficients", torch.as_tensor(coefficients))

    def forward(self, q: Tensor, present: Tensor) -> Tensor:
        """Diffuse vectors (cells, genes, d) among the genes that are present (cells, genes); others become 0."""
        # Sparse products know no mixed precision, and there is little to gain by it.
        with torch.autocast(q.device.type, enabled=False):
            return self._diffuse(q.to(self.weights.dtype), present).to(q.dtype)

    def _diffuse(self, q: Tensor, present: Tensor) -> Tensor:
        here = present.to(q.dtype).T[..., None]
        matrix, magnitude = self._matrix(self.weights), self._matrix(self.weights.abs())
        degree = here * _times(magnitude, here)
        scale = (
            here * (degree.clamp(min=_LEAST_DEGREE) if self.parity else torch.where(degree > 0, degree, 1.0)).rsqrt()
        )
        alone = here * (degree == 0)
        if self.parity:
            # The public code gives every gene itself as neighbour where a batch has no edge at all, and only there.
            alone = alone * bool((degree == 0).all())

        def step(v: Tensor) -> Tensor:
            return scale * _times(matrix, scale * v) + alone * v

        before = here * q.transpose(0, 1)
        now = step(before)
        total = self.coefficients[0] * before + self.coefficients[1] * now
        for coefficient in self.coefficients[2:]:
            before, now = now, 2 * step(now) - before
            total = total + coefficient * now
        return total.transpose(0, 1)

    def extra_repr(self) -> str:
        """Settings that decide the output."""
        return f"beta={self.beta}, order={len(self.coefficients) - 1}, parity={self.parity}"

    def _matrix(self, values: Tensor) -> Tensor:
        shape = (self.n_genes, self.n_genes)
        return torch.sparse_coo_tensor(self.edges, values, shape, is_coalesced=True, check_invariants=False)


def chebyshev(beta: float, order: int, *, halved: bool = True) -> np.ndarray:
    """Coefficients c_k of ``exp(-beta (1 - a)) = sum c_k T_k(a)`` for a in [-1, 1], the k-th ``2 exp(-beta) I_k(beta)``.

    Parameters
    ----------
    beta
        Time of diffusion.
    order
        Last k.
    halved
        Whether the constant term is halved, as it has to be.

    Examples
    --------
    >>> found = np.polynomial.chebyshev.chebval(0.5, chebyshev(0.1, 8))
    >>> bool(np.isclose(found, np.exp(-0.05)))
    True
    """
    found = 2 * ive(np.arange(order + 1), beta)
    if halved:
        found[0] /= 2
    return np.asarray(found)


def read_network(network: pd.DataFrame, places: Mapping[str, int], *, signed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Edges (2, edges) between genes that have a place, and their weights, 1 where the table has none.

    Parameters
    ----------
    network
        Table with `source`, `target` and perhaps `weight`.
    places
        Place of each gene by any of its names.
    signed
        Whether negative weights stay negative; otherwise they count by their size.
    """
    columns = list(getattr(network, "columns", ()))
    if not {"source", "target"} <= set(columns):
        raise InputError(
            f"network has the columns {list_some(columns) or 'of no table'}. Pass a table with `source`, `target` and, "
            "where edges differ, `weight`."
        )
    ends = [network[side].astype(str).map(places).to_numpy(dtype=float) for side in ("source", "target")]
    edges = np.stack(ends)
    known = ~np.isnan(edges).any(0) & (edges[0] != edges[1])
    if not known.any():
        raise InputError(
            f"network: none of its {len(network)} edges joins two genes of the panel that the model knows, such as "
            f"{list_some(list(places), 3)}. Name genes as the panel does, or by their Ensembl identifiers."
        )
    weights = network["weight"].to_numpy(dtype=float)[known] if "weight" in columns else np.ones(int(known.sum()))
    if not np.isfinite(weights).all():
        raise InputError("network: `weight` holds NaN or infinity. Drop those edges, or give them a weight.")
    return edges[:, known].astype(np.int64), weights if signed else np.abs(weights)


def _enough(beta: float) -> int:
    """First order behind which the coefficients sum up to less than the accuracy."""
    order = 1
    while 2 * ive(np.arange(order + 1, order + 200), beta).sum() > ACCURACY:
        order += 1
    return order


def _undirected(edges: np.ndarray, weights: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of all listings of a pair the strongest; those that are equally strong and of both signs cancel."""
    low, high = edges.min(0), edges.max(0)
    pairs, at = np.unique(low * n + high, return_inverse=True)
    most, least = np.zeros(len(pairs)), np.zeros(len(pairs))
    np.maximum.at(most, at, weights)
    np.minimum.at(least, at, weights)
    value = np.where(most > -least, most, np.where(most < -least, least, 0.0))
    low, high, value = (part[value != 0] for part in (pairs // n, pairs % n, value))
    return np.r_[low, high], np.r_[high, low], np.r_[value, value]


def _directed(edges: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if sinks := len(np.setdiff1d(edges[1], edges[0])):
        warnings.warn(
            f"parity=True with {sinks} genes that have no outgoing edge: the public code divides by the square root of a degree "
            f"of {_LEAST_DEGREE} there, and embeddings may explode. List every edge of `network` in both directions.",
            InputWarning,
            stacklevel=5,
        )
    pairs, count = np.unique(edges[0] * n + edges[1], return_counts=True)
    return pairs // n, pairs % n, count.astype(float)


def _times(matrix: Tensor, v: Tensor) -> Tensor:
    """Sparse matrix times (genes, cells, d)."""
    flat = v.flatten(1)
    try:
        product = torch.sparse.mm(matrix, flat)
    except NotImplementedError:
        # Forward-mode derivatives know no sparse matrices.
        product = matrix.to_dense() @ flat
    return product.unflatten(1, v.shape[1:])
