"""An AnnData file that grows layer by layer and block by block, and takes its place when it is whole."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import h5py
import numpy as np
import zarr

from scclamp._atomic import atomic_path
from scclamp._errors import InputError
from scclamp._formats import chunk_checksums, hdf5_errors, require_replaceable, seal

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

_BLOCK_BYTES = 2**20


def check_out(out: str | os.PathLike[str]) -> Path:
    """Return the path, or raise an error when nothing could be written there."""
    path = Path(out)
    if path.suffix not in (".h5ad", ".zarr"):
        raise InputError(f"out={str(out)!r} must end in .h5ad or .zarr.")
    if not path.parent.is_dir():
        raise InputError(f"out={str(out)!r}: there is no folder {str(path.parent)!r}. Create it first.")
    require_replaceable(path)
    return path


@contextmanager
def prediction_file(path: Path, skeleton: ad.AnnData, layers: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield one array on disk per layer (observations, variables), to be filled in blocks of rows.

    When the block succeeds, everything else of `skeleton` (its `obs` may have changed meanwhile) is written beside them
    and the file takes its place; otherwise what was there stays.
    """
    with atomic_path(path) as temporary:
        with _store(temporary) as store:
            # An empty one first: what anndata wrote once it will read, whatever its version.
            ad.io.write_elem(store, "/", skeleton)
            yield {name: _grow(store["layers"], name, skeleton.shape) for name in layers}
            ad.io.write_elem(store, "obs", skeleton.obs)
        if path.suffix == ".h5ad":
            seal(temporary)


@contextmanager
def _store(path: Path) -> Iterator[Any]:
    if path.suffix == ".h5ad":
        file = h5py.File(path, "w")
        try:
            yield file
        finally:
            with hdf5_errors():
                file.close()
        return
    group = zarr.open_group(path, mode="w", zarr_format=3)
    yield group
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # as anndata does: one index of all arrays opens much faster
        zarr.consolidate_metadata(group.store)


def _grow(group: Any, name: str, shape: tuple[int, int]) -> Any:
    """Let anndata write an empty array, with all it needs to read it again, and give it its size."""
    rows = min(shape[0], max(1, _BLOCK_BYTES // (4 * max(1, shape[1]))))
    empty = np.empty((0, shape[1]), np.float32)
    zarr_ = isinstance(group, zarr.Group)
    options: dict[str, Any] = chunk_checksums() if zarr_ else {"maxshape": (None, shape[1])}
    ad.io.write_elem(group, name, empty, dataset_kwargs={"chunks": (rows, shape[1]), **options})
    group[name].resize(shape)
    return group[name]
