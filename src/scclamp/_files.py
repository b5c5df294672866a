"""Whole AnnData and MuData on disk: written as one step, and read with every fit in them checked."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata

from scclamp._atomic import atomic_path, recover
from scclamp._errors import InputError, InputWarning, StorageError
from scclamp._formats import chunk_checksums, hdf5_errors, require_replaceable, seal, seal_holds
from scclamp._storage import decode, find_fits

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from anndata import AnnData
    from mudata import MuData

_SUFFIXES = (".h5ad", ".h5mu", ".zarr")


def write(data: AnnData | MuData, path: str | os.PathLike[str], *, compression: str | None = "gzip") -> None:
    """Write an AnnData or a MuData in one step: a failure or a kill leaves the file that was there.

    Parameters
    ----------
    data
        What to write; it is not changed.
    path
        Ends in `.h5ad` (AnnData), `.h5mu` (MuData) or `.zarr` (either). An existing file or store is replaced.
    compression
        Compression of the HDF5 formats: `"gzip"`, `"lzf"` or None.

    Raises
    ------
    InputError
        When the suffix is none of these or does not fit the data, or the data hold what the format cannot.
    StorageError
        When the disk is full, the folder is read-only or missing, or a `.zarr` path is some other folder.

    See Also
    --------
    read : the way back, which checks every fit.

    Notes
    -----
    HDF5 files end in the SHA-256 of all bytes before, which other software ignores; zarr stores (format 3) keep a
    checksum in every chunk.

    Examples
    --------
    >>> import tempfile, numpy as np, anndata, scclamp
    >>> adata = anndata.AnnData(np.eye(3, dtype="float32"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scclamp.write(adata, f"{folder}/screen.h5ad")
    ...     scclamp.read(f"{folder}/screen.h5ad").shape
    (3, 3)
    """
    suffix = _suffix(path)
    multimodal = not isinstance(data, anndata.AnnData)
    if multimodal and not isinstance(getattr(data, "mod", None), Mapping):
        msg = f"data must be an AnnData or a MuData. Got {type(data).__name__}."
        raise InputError(msg)
    if suffix == (".h5ad" if multimodal else ".h5mu"):
        good = ".h5mu or .zarr for a MuData" if multimodal else ".h5ad or .zarr for an AnnData"
        msg = f"path={str(path)!r} has the suffix of another format. Use {good}."
        raise InputError(msg)
    if data.is_view:
        data = data.to_memory() if data.isbacked and not multimodal else data.copy()
    with atomic_path(path) as temporary, _frames_kept(data):
        require_replaceable(Path(path))
        try:
            with hdf5_errors():
                _write(data, temporary, suffix, compression)
            if suffix != ".zarr":
                seal(temporary)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # what a format cannot hold makes the writers raise anything
            msg = f"data cannot be written to path={str(path)!r}: {error} {_notes(error)}"
            raise InputError(msg) from error


def read(path: str | os.PathLike[str]) -> AnnData | MuData:
    """Read an AnnData or a MuData, and check every bit of every fit in it and of all that :func:`write` wrote.

    Parameters
    ----------
    path
        A `.h5ad`, `.h5mu` or `.zarr` that :func:`write`, anndata or mudata wrote.

    Returns
    -------
    The AnnData or the MuData in memory.

    Raises
    ------
    StorageError
        When it is missing or damaged, or a fit in it is; the message names the field.

    Warns
    -----
    InputWarning
        When a fit is of other genes than the data have now, so that it cannot be checked or used.
    """
    suffix = _suffix(path)
    _check_whole(path, suffix)
    try:
        data = _read(Path(path), suffix)
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can make the readers below raise anything
        msg = f"path={str(path)!r} cannot be read, it is damaged or no {suffix}: {error} {_notes(error)}"
        raise StorageError(msg) from error
    for name, adata in [("", data)] if isinstance(data, anndata.AnnData) else data.mod.items():
        where = f"path={str(path)!r}" + (f", mod={name!r}" if name else "")
        for key in find_fits(adata):
            _verify(adata, key, where)
    return data


def _verify(adata: AnnData, key: str, where: str) -> None:
    try:
        decode(adata, key)
    except StorageError as error:
        msg = f"{where}: {error}"
        raise StorageError(msg) from error
    except InputError as error:
        warnings.warn(f"{where}: {error}", InputWarning, stacklevel=3)


def _suffix(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix
    if suffix not in _SUFFIXES:
        msg = f"path={str(path)!r} must end in .h5ad (AnnData), .h5mu (MuData) or .zarr (either)."
        raise InputError(msg)
    return suffix


def _write(data: AnnData | MuData, path: Path, suffix: str, compression: str | None) -> None:
    # the functions, not the methods: those point a backed AnnData at the file they wrote
    if suffix == ".h5ad":
        anndata.io.write_h5ad(path, data, compression=compression)
    elif isinstance(data, anndata.AnnData):
        anndata.io.write_zarr(path, data, **chunk_checksums())
    else:
        import mudata

        if suffix == ".zarr":
            mudata.write_zarr(path, data, **chunk_checksums())
        else:
            mudata.write_h5mu(path, data, compression=compression)


def _check_whole(path: str | os.PathLike[str], suffix: str) -> None:
    try:
        recover(path)
        if not Path(path).exists():
            msg = f"path={str(path)!r} does not exist. Check the name and the folder."
            raise StorageError(msg)
        whole = suffix == ".zarr" or seal_holds(Path(path))
    except StorageError:
        raise
    except OSError as error:
        msg = f"path={str(path)!r} cannot be read ({error}). Check that it is a {suffix} you may read."
        raise StorageError(msg) from error
    if not whole:
        msg = f"path={str(path)!r} is damaged: its bytes do not match the digest at its end. Restore it from a copy."
        raise StorageError(msg)


def _read(path: Path, suffix: str) -> AnnData | MuData:
    if suffix == ".h5ad":
        return anndata.read_h5ad(path)
    if suffix == ".zarr" and not (path / "mod").is_dir():
        return anndata.read_zarr(path)
    import mudata

    return mudata.read_zarr(path) if suffix == ".zarr" else mudata.read_h5mu(path)


@contextlib.contextmanager
def _frames_kept(data: AnnData | MuData) -> Iterator[None]:
    """Undo what the writers do to the caller's data: they turn columns of strings into categories."""
    owners = [data] if isinstance(data, anndata.AnnData) else [data, *data.mod.values()]
    frames: list[Any] = [frame for owner in owners for frame in (owner.obs, owner.var)]
    before = [frame.copy() for frame in frames]
    try:
        yield
    finally:
        for frame, old in zip(frames, before, strict=True):
            for name in old.columns:
                if frame[name].dtype != old[name].dtype:
                    frame[name] = old[name]


def _notes(error: BaseException) -> str:
    return " ".join(getattr(error, "__notes__", []))
