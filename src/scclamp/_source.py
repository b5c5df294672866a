"""One way to read expression block by block, wherever it lives: memory, a file, or a lazy array."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import scipy.sparse as sp
import zarr

from scclamp._errors import InputError, did_you_mean, list_some

if TYPE_CHECKING:
    from anndata import AnnData

Block = np.ndarray | sp.csr_matrix | sp.csc_matrix
_GATHER = 4096


@dataclass(frozen=True)
class Source:
    """A matrix that is read in blocks of rows, or of columns where it is stored by columns.

    Parameters
    ----------
    where
        What messages call it, such as `X`.
    shape, dtype
        Of the whole matrix.
    by_rows
        Whether `read` takes a range of rows.
    read
        Reads a range along that axis; never more than was asked for becomes dense.
    row_names, column_names
        For messages.
    """

    where: str
    shape: tuple[int, int]
    dtype: np.dtype
    by_rows: bool
    read: Callable[[int, int], Block]
    row_names: Any = None
    column_names: Any = None

    def blocks(self, chunk_size: int, wanted: np.ndarray | None = None) -> Iterator[tuple[slice, Block]]:
        """Yield blocks of about `chunk_size` whole rows' worth of entries; blocks without a wanted row are not read."""
        length = self.shape[0] if self.by_rows else self.shape[1]
        step = chunk_size if self.by_rows else max(1, chunk_size * self.shape[1] // max(1, self.shape[0]))
        for start in range(0, length, step):
            stop = min(start + step, length)
            if wanted is None or not self.by_rows or wanted[start:stop].any():
                yield slice(start, stop), self.read(start, stop)


def open_layer(adata: AnnData, layer: str | None) -> Source:
    """Open `X`, or a layer, of an AnnData that is in memory, a view, backed or lazy."""
    where = "X" if layer is None else f"layers[{layer!r}]"
    names = {"row_names": adata.obs_names, "column_names": adata.var_names}
    known = layer_names(adata)
    if layer is not None and layer not in known:
        remedy = f"There are {list_some(known, 10)}." if known else "There are no layers; leave layer=None to use X."
        msg = f"layer={layer!r} is not in adata.layers.{did_you_mean(str(layer), known)} {remedy}"
        raise InputError(msg)
    if adata.is_view and not _is_lazy(adata, layer):
        return _open_view(adata, layer, where, names)
    return as_source(_take(adata, layer), where=where, **names)


def layer_names(adata: AnnData) -> list[str]:
    """Names of the layers, without the None under which newer AnnData lists `X` among them."""
    keys: Iterable[str | None] = adata.layers.keys()
    return [key for key in keys if key is not None]


def _take(adata: AnnData, layer: str | None) -> Any:
    matrix = adata.X if layer is None else adata.layers[layer]
    if matrix is None:
        msg = f"layer={layer!r}: adata.X is empty. Pass the layer that holds log-normalised values."
        raise InputError(msg)
    return matrix


def _is_lazy(adata: AnnData, layer: str | None) -> bool:
    return not (layer is None and adata.isbacked) and hasattr(_take(adata[:0], layer), "dask")


def _open_view(adata: AnnData, layer: str | None, where: str, names: dict[str, Any]) -> Source:
    # Taking X of a view would copy, or load, all of it, so that each block is a view of the view.
    if layer is None and adata.isbacked:
        stored = adata.file["X"]
        by_rows = stored.attrs.get("encoding-type") != "csc_matrix"
        dtype = (stored["data"] if isinstance(stored, h5py.Group) else stored).dtype
    else:
        empty = _take(adata[:0], layer)
        by_rows, dtype = getattr(empty, "format", "") != "csc", empty.dtype

    def read(start: int, stop: int) -> Block:
        return _plain(_take(adata[start:stop] if by_rows else adata[:, start:stop], layer))

    return Source(where, adata.shape, _real(dtype, where), by_rows, read, **names)


def as_source(matrix: Any, *, where: str = "matrix", row_names: Any = None, column_names: Any = None) -> Source:
    """Wrap a matrix: numpy, scipy sparse, h5py, zarr, anndata's sparse datasets, or dask.

    Parameters
    ----------
    matrix
        Two-dimensional and real.
    where
        What messages call it.
    row_names, column_names
        For messages.

    Returns
    -------
    The source of its blocks.

    Examples
    --------
    >>> as_source(np.eye(3)).read(0, 1)
    array([[1., 0., 0.]])
    """
    in_memory = sp.issparse(matrix)
    if in_memory and matrix.format not in ("csr", "csc"):
        matrix = matrix.tocsr()
    layout = getattr(matrix, "format", None)
    if in_memory:
        read = _compressed_reader(matrix)
    elif isinstance(matrix, np.ndarray | h5py.Dataset | zarr.Array):
        read = _dense_reader(matrix)
    elif type(matrix).__module__.startswith("anndata.") and layout in ("csr", "csc"):
        read = _stored_reader(matrix)
    elif hasattr(matrix, "dask"):
        layout = "csc" if getattr(matrix._meta, "format", None) == "csc" and matrix.numblocks[0] == 1 else "csr"
        read = _lazy_reader(matrix, by_rows=layout == "csr")
    else:
        msg = f"{where} is a {type(matrix).__name__}, which cannot be read. Use a numpy, scipy sparse, backed or dask array."
        raise InputError(msg)
    dtype = _real(np.dtype(matrix.dtype), where)
    return Source(where, tuple(matrix.shape), dtype, layout != "csc", read, row_names, column_names)


def stored_by_rows(source: Source) -> Source:
    """Return a source that reads rows; one stored by columns is held in memory for it, still sparse."""
    if source.by_rows:
        return source
    whole = sp.hstack([sp.csc_array(block) for _, block in source.blocks(_GATHER)], format="csr")
    return as_source(whole, where=source.where, row_names=source.row_names, column_names=source.column_names)


def _real(dtype: np.dtype, where: str) -> np.dtype:
    if dtype.kind not in "biuf":
        msg = f"{where} has dtype {dtype}, but expression must be real numbers. Convert it, for instance to float32."
        raise InputError(msg)
    return dtype


def _plain(block: Any) -> Block:
    """Strip views and half precision, which scipy's sparse routines do not know."""
    if not sp.issparse(block):
        return np.asarray(block)
    matrix: Any = block
    matrix = matrix if matrix.format in ("csr", "csc") else matrix.tocsr()
    return matrix.astype(np.float32) if matrix.dtype == np.float16 else matrix


def _compressed_reader(matrix: Any) -> Callable[[int, int], Block]:
    # By hand, since scipy refuses to slice half precision.
    kind = sp.csr_matrix if matrix.format == "csr" else sp.csc_matrix
    n_minor = matrix.shape[1] if matrix.format == "csr" else matrix.shape[0]

    def read(start: int, stop: int) -> Block:
        low, high = matrix.indptr[start], matrix.indptr[stop]
        data = np.asarray(matrix.data[low:high])
        data = data.astype(np.float32) if data.dtype == np.float16 else data
        shape = (stop - start, n_minor) if matrix.format == "csr" else (n_minor, stop - start)
        return kind((data, np.asarray(matrix.indices[low:high]), matrix.indptr[start : stop + 1] - low), shape=shape)

    return read


def _dense_reader(matrix: Any) -> Callable[[int, int], Block]:
    return lambda start, stop: np.asarray(matrix[start:stop])


def _stored_reader(matrix: Any) -> Callable[[int, int], Block]:
    if matrix.format == "csr":
        return lambda start, stop: _plain(matrix[start:stop])
    return lambda start, stop: _plain(matrix[:, start:stop])


def _lazy_reader(matrix: Any, *, by_rows: bool) -> Callable[[int, int], Block]:
    def read(start: int, stop: int) -> Block:
        part = matrix[start:stop] if by_rows else matrix[:, start:stop]
        # One chunk at a time: a thread pool would hold many decoded chunks at once.
        return _plain(part.compute(scheduler="synchronous"))

    return read
