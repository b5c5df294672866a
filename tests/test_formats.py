import hashlib

import h5py
import numpy as np
import pytest
import zarr

from scclamp._errors import StorageError
from scclamp._formats import hdf5_errors, require_replaceable, seal, seal_holds


def test_a_seal_is_the_sha256_of_what_it_follows(tmp_path):
    path = tmp_path / "a.h5ad"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(5)
    before = path.read_bytes()
    assert seal_holds(path), "a file of others has none to break"
    seal(path)
    assert path.read_bytes() == before + b"\nscclamp-sha256:" + hashlib.sha256(before).hexdigest().encode()
    assert seal_holds(path)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["x"], np.arange(5))
    for where in (0, len(before) // 2, len(before) + 20, -1):
        damaged = bytearray(path.read_bytes())
        damaged[where] ^= 1
        (tmp_path / "b.h5ad").write_bytes(damaged)
        assert not seal_holds(tmp_path / "b.h5ad")


@pytest.mark.parametrize("content", [b"", b"short"])
def test_files_shorter_than_a_seal_have_none(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert seal_holds(tmp_path / "a")


def test_only_stores_and_files_are_replaced(tmp_path):
    (tmp_path / "a.h5ad").write_text("a file")
    (tmp_path / "empty.zarr").mkdir()
    zarr.open_group(tmp_path / "store.zarr", mode="w")
    for name in ("a.h5ad", "empty.zarr", "store.zarr", "absent.zarr"):
        require_replaceable(tmp_path / name)
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "thesis.txt").write_text("years of work")
    (tmp_path / "mine.h5ad").mkdir()
    for name in ("mine.zarr", "mine.h5ad"):
        with pytest.raises(StorageError, match=f"{name}' is a folder that holds other things"):
            require_replaceable(tmp_path / name)


def test_a_runtime_error_of_hdf5_is_a_system_error():
    with pytest.raises(OSError, match="errno = 28"), hdf5_errors():
        raise RuntimeError("flush: errno = 28")
    with pytest.raises(KeyError), hdf5_errors():
        raise KeyError("x")
