"""The network of observational data: which genes vary together over cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._errors import InputError
from scclamp._source import as_source, stored_by_rows
from scclamp.metrics._candidates import as_regulator_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def cell_correlation(X: Any, regulator_rows: ArrayLike, *, chunk_size: int = 4096) -> NDArray[np.float64]:
    """Score a pair by the Pearson correlation of gene and regulator over cells.

    A baseline for networks: it uses no perturbation labels. Read in chunks; a sparse matrix is never densified whole.

    Parameters
    ----------
    X
        Cells x genes; dense, sparse, backed or lazy. Pass control cells or all cells.
    regulator_rows
        Position of each regulator among the genes; -1 where it is not measured.
    chunk_size
        Cells held at a time.

    Returns
    -------
    Signed scores, genes x regulators; zero where a gene is constant or the regulator is not measured.

    Examples
    --------
    >>> import numpy as np
    >>> import scclamp as sc_c
    >>> sc_c.metrics.cell_correlation(np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 0.0]]), [0])
    array([[ 1.],
           [-1.]])
    """
    source = stored_by_rows(as_source(X, where="X"))
    n_cells, n_genes = source.shape
    rows = as_regulator_rows(regulator_rows, n_genes)
    if n_cells < 2:
        raise InputError(f"X has {n_cells} cells, but a correlation needs two. Pass more cells.")
    measured = np.flatnonzero(rows >= 0)
    total, squares, cross = np.zeros(n_genes), np.zeros(n_genes), np.zeros((n_genes, len(measured)))
    for _, block in source.blocks(chunk_size):
        block = block.astype(np.float64)
        chosen = block[:, rows[measured]]
        chosen = chosen if isinstance(chosen, np.ndarray) else chosen.toarray()
        total += np.asarray(block.sum(axis=0)).ravel()
        squares += np.asarray(
            (block * block if isinstance(block, np.ndarray) else block.multiply(block)).sum(axis=0)
        ).ravel()
        cross += block.T @ chosen
    if not np.isfinite(squares).all():
        raise InputError(
            f"X holds a NaN or an infinity in gene {int(np.argmin(np.isfinite(squares)))}. Remove or fill it."
        )
    mean = total / n_cells
    # Rounding leaves a constant gene with a variance of about 1e-16 of its square.
    variance = squares / n_cells - mean**2
    sd = np.sqrt(np.where(variance > 1e-12 * (squares / n_cells), variance, np.inf))
    chosen_rows = rows[measured]
    scores = np.zeros((n_genes, len(rows)))
    scores[:, measured] = (cross / n_cells - np.outer(mean, mean[chosen_rows])) / np.outer(sd, sd[chosen_rows])
    return scores
