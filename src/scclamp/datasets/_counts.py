"""Counts around given states: negative binomial, library sizes, dropout; drawn in chunks, never dense as a whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

CHUNK_ENTRIES = 4_000_000
"""Cells x genes drawn at once."""


def draw_library_sizes(n_cells: int, mean: float, spread: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Log-normal totals of the whole transcriptome, at least one, with the given mean."""
    return np.maximum(np.rint(mean * rng.lognormal(-(spread**2) / 2, spread, n_cells)), 1).astype(np.int64)


def draw_counts(
    rates: NDArray[np.float64],
    codes: NDArray[np.int64],
    depth: NDArray[np.float64],
    *,
    dispersion: float,
    dropout: float,
    rng: np.random.Generator,
) -> sparse.csr_matrix:
    """Draw cells x genes counts.

    Parameters
    ----------
    rates
        Expected counts at depth one (conditions, genes).
    codes
        Condition of each cell.
    depth
        Factor of each cell.
    dispersion
        The variance is ``mean + dispersion * mean^2``.
    dropout
        A count with mean m is lost with probability ``dropout / (1 + m)``.
    rng
        Source of randomness.
    """
    n_genes = rates.shape[1]
    step = max(1, CHUNK_ENTRIES // max(n_genes, 1))
    parts = []
    for start in range(0, len(codes), step):
        cells = slice(start, start + step)
        mean = rates[codes[cells]] * depth[cells, None]
        rate = mean if dispersion == 0 else mean * rng.standard_gamma(1 / dispersion, mean.shape) * dispersion
        part = sparse.csr_matrix(rng.poisson(rate).astype(np.int32))
        row = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
        lost = rng.random(part.nnz) < dropout / (1 + mean[row, part.indices])
        part.data[lost] = 0
        part.eliminate_zeros()
        parts.append(part)
    return sparse.vstack(parts, format="csr", dtype=np.int32)


def log_normalise(counts: sparse.csr_matrix, library_sizes: NDArray[np.int64], target_sum: float) -> sparse.csr_matrix:
    """Return ``log1p(counts * target_sum / library size)`` as float32, sharing no memory with the counts."""
    row_scale = np.repeat(target_sum / library_sizes, np.diff(counts.indptr))
    data = np.log1p(counts.data * row_scale).astype(np.float32)
    return sparse.csr_matrix((data, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
