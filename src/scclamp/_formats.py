"""What file formats leave to their writers: a digest of the whole file, and care for what a path already holds."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING, Any

import anndata

from scclamp._atomic import sha256_file
from scclamp._errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEAL = b"\nscclamp-sha256:"
SEAL_BYTES = len(SEAL) + 64
"""HDF5 has no checksum of its own and even crashes on some damaged files, so the digest of all bytes before is appended.
HDF5 ignores what follows its end, and drops it when it changes the file.
"""
_STORE_MARKS = ("zarr.json", ".zgroup")


def seal(path: Path) -> None:
    """Append the digest of all bytes of a file to it."""
    digest = sha256_file(path)
    with path.open("ab") as file:
        file.write(SEAL + digest.encode())


def seal_holds(path: Path) -> bool:
    """Compare a file with the digest at its end, if it has one: files that others wrote or changed have none."""
    size = path.stat().st_size - SEAL_BYTES
    with path.open("rb") as file:
        file.seek(max(size, 0))
        found = file.read(SEAL_BYTES)
    if SEAL not in found:
        return True
    return found.startswith(SEAL) and sha256_file(path, size=size).encode() == found[len(SEAL) :]


def chunk_checksums() -> dict[str, Any]:
    """Let zarr keep a checksum of every chunk: by default most changed bits in one are read as other numbers."""
    from zarr.codecs import ZstdCodec

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # anndata 0.14 has no such setting and writes format 3
        version = getattr(anndata.settings, "zarr_write_format", 3)
    return {"compressors": ZstdCodec(checksum=True)} if version == 3 else {}


def require_replaceable(path: Path) -> None:
    """Refuse to replace a folder that is no zarr store."""
    if path.is_dir() and (path.suffix != ".zarr" or not _is_store(path)):
        msg = f"path={str(path)!r} is a folder that holds other things and is not replaced. Choose another path."
        raise StorageError(msg)


def _is_store(path: Path) -> bool:
    return any((path / mark).exists() for mark in _STORE_MARKS) or not any(path.iterdir())


@contextlib.contextmanager
def hdf5_errors() -> Iterator[None]:
    """Raise as an OSError what HDF5 reports as a RuntimeError: a disk that fills up while it closes a file."""
    try:
        yield
    except RuntimeError as error:
        raise OSError(str(error)) from error
