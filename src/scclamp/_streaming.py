"""One pass over expression: weighted sums of groups of rows, and what kind of values there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from scclamp._arguments import require_whole
from scclamp._errors import InputError
from scclamp._source import stored_by_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from scclamp._source import Block, Source

CHUNK_SIZE = 4096


@dataclass
class ValueStats:
    """What was seen among the values of the rows in use.

    Parameters
    ----------
    minimum, maximum
        Range, implicit zeros of sparse matrices left aside.
    integral
        Whether every value is a whole number.
    n_nonzero
        How many values are not zero.
    integer_dtype
        Whether the matrix is stored as integers or booleans.
    """

    minimum: float = 0.0
    maximum: float = 0.0
    integral: bool = True
    n_nonzero: int = 0
    integer_dtype: bool = False

    def update(self, values: np.ndarray) -> None:
        """Take more finite values into account."""
        if values.size:
            self.minimum = min(self.minimum, float(values.min()))
            self.maximum = max(self.maximum, float(values.max()))
            self.n_nonzero += int(np.count_nonzero(values))
            if self.integral and values.dtype.kind == "f":
                self.integral = bool((values == np.rint(values)).all())


def selector(codes: np.ndarray, n_groups: int, weights: np.ndarray | None = None) -> sp.csc_array:
    """Selector matrix that sums rows by group.

    Parameters
    ----------
    codes
        Group of each row; negative leaves the row out.
    n_groups
        Number of groups.
    weights
        Weight of each row (rows,), or one set of weights for each replicate (replicates, rows).

    Returns
    -------
    Sparse matrix ((replicates *) groups, rows), replicates outermost.

    Examples
    --------
    >>> selector(np.array([0, 1, -1, 0]), 2).toarray()
    array([[1., 0., 0., 1.],
           [0., 1., 0., 0.]])
    """
    rows = np.flatnonzero(codes >= 0)
    table = np.ones((1, len(codes))) if weights is None else np.atleast_2d(weights)
    replicate, position = np.nonzero(table[:, rows])
    column = rows[position]
    group = codes[column] + replicate * n_groups
    shape = (len(table) * n_groups, len(codes))
    return sp.csc_array((table[replicate, column].astype(np.float64), (group, column)), shape=shape)


def grouped_sums(
    source: Source, groups: sp.csc_array, *, chunk_size: int = CHUNK_SIZE
) -> tuple[np.ndarray, ValueStats]:
    """Weighted sums of rows, accumulated in float64, in one pass over the blocks of a source.

    Rows that no group uses are neither summed nor checked.

    Parameters
    ----------
    source
        Where blocks come from.
    groups
        Selector (groups, rows), see `selector`; stack several to sum several groupings in the same pass.
    chunk_size
        Rows, or as many entries where the source is stored by columns, held at a time.

    Returns
    -------
    Sums (groups, columns) and statistics of the values.

    Examples
    --------
    >>> from scclamp._source import as_source
    >>> sums, stats = grouped_sums(as_source(np.array([[1.0, 2.0], [3.0, 4.5]])), selector(np.array([0, 0]), 1))
    >>> sums, stats.integral
    (array([[4. , 6.5]]), False)
    """
    groups = sp.csc_array(groups)
    sums = np.zeros((groups.shape[0], source.shape[1]))
    stats = ValueStats(integer_dtype=source.dtype.kind in "biu")
    used = np.diff(groups.indptr) > 0
    packed = groups[:, used]
    for at, block in source.blocks(require_whole("chunk_size", chunk_size), used):
        rows, columns = (at, slice(None)) if source.by_rows else (slice(None), at)
        here = np.flatnonzero(used[rows])
        block = block if len(here) == block.shape[0] else block[here]
        _require_finite(block, source, here + (at.start if source.by_rows else 0), 0 if source.by_rows else at.start)
        stats.update(block.data if sp.issparse(block) else block)
        chosen = groups[:, rows][:, here] if source.by_rows else packed
        sums[:, columns] += _product(chosen, block)
    return sums, stats


def encoded_sums(
    source: Source,
    groups: sp.csc_array,
    encode: Callable[[np.ndarray], np.ndarray],
    *,
    chunk_size: int = CHUNK_SIZE,
) -> np.ndarray:
    """Weighted sums of encoded rows, for encoders that are not linear.

    Only one chunk of rows is dense at a time. A source stored by columns is first brought to rows, still sparse.

    Parameters
    ----------
    source
        Where blocks come from.
    groups
        Selector (groups, rows), see `selector`. Rows that no group uses are not encoded.
    encode
        Takes float64 rows (n, columns), returns (n, d).
    chunk_size
        Most rows encoded at a time.

    Returns
    -------
    Sums (groups, d) in float64.

    Examples
    --------
    >>> from scclamp._source import as_source
    >>> encoded_sums(as_source(np.array([[1.0, 2.0], [3.0, 4.0]])), selector(np.array([0, 0]), 1), np.square)
    array([[10., 20.]])
    """
    groups = sp.csc_array(groups)
    used = np.diff(groups.indptr) > 0
    sums: np.ndarray | None = None
    for at, block in stored_by_rows(source).blocks(require_whole("chunk_size", chunk_size), used):
        here = np.flatnonzero(used[at])
        block = block if len(here) == block.shape[0] else block[here]
        _require_finite(block, source, here + at.start, 0)
        encoded = np.asarray(encode(_dense(block)), dtype=np.float64)
        if encoded.ndim != 2 or len(encoded) != len(here):
            msg = f"encode returned shape {encoded.shape} for {len(here)} rows. Return one vector for each row."
            raise InputError(msg)
        if sums is None:
            sums = np.zeros((groups.shape[0], encoded.shape[1]))
        sums += groups[:, at][:, here] @ encoded
    if sums is None:
        msg = f"{source.where}: no row belongs to a group, so that nothing was encoded. Check the conditions."
        raise InputError(msg)
    return sums


def _dense(block: Block) -> np.ndarray:
    # A copy, so that an encoder which works in place does not reach the user's matrix.
    return np.array(block.toarray() if sp.issparse(block) else block, dtype=np.float64)


def _product(chosen: sp.csc_array, block: Block) -> np.ndarray:
    if sp.issparse(block):
        return (chosen @ block.astype(np.float64)).toarray()
    return chosen @ np.asarray(block, dtype=np.float64)


def _require_finite(block: Block, source: Source, rows: np.ndarray, first_column: int) -> None:
    values = block.data if sp.issparse(block) else block
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    if sp.issparse(block):
        entries = block.tocoo()
        k = int(np.flatnonzero(~np.isfinite(entries.data))[0])
        i, j, value = int(entries.row[k]), int(entries.col[k]), entries.data[k]
    else:
        i, j = (int(k) for k in np.argwhere(~np.isfinite(block))[0])
        value = block[i, j]
    i, j = int(rows[i]), first_column + j
    row = i if source.row_names is None else repr(str(source.row_names[i]))
    column = j if source.column_names is None else repr(str(source.column_names[j]))
    msg = (
        f"{source.where} holds {value} at observation {row} (row {i}), gene {column} (column {j}). "
        "Remove or fill such values, or pass another layer=."
    )
    raise InputError(msg)
