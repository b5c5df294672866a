"""Changed bits in files whose format finds few of them: reading raises, or gives back exactly what was written."""

import runpy
from pathlib import Path

import anndata
import numpy as np
import pytest

from scclamp._errors import InputError, InputWarning, StorageError
from scclamp._files import read, write
from scclamp._formats import SEAL_BYTES
from scclamp._storage import decode

_example = runpy.run_path(str(Path(__file__).parents[1] / "data" / "make_golden.py"))
pytestmark = [
    pytest.mark.stress,
    pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment)"),
]


def _found(path, expected):
    try:
        back = decode(read(path))
    except (StorageError, InputError, InputWarning):
        return True
    assert back.digests == expected.digests
    return False


def test_1000_changed_bits_in_an_uncompressed_h5ad(tmp_path, record_property):
    """Anywhere in what we wrote, also where HDF5 itself would crash."""
    path, rng = tmp_path / "a.h5ad", np.random.default_rng(8)
    write(_example["example_adata"](), path, compression=None)
    whole = path.read_bytes()
    for where in rng.integers(0, len(whole) - SEAL_BYTES, 1000):
        damaged = bytearray(whole)
        damaged[where] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(StorageError):
            read(path)
    record_property("damages found", "1000 of 1000")


def test_1000_changed_bits_in_the_fields_of_an_h5ad_of_others(tmp_path, record_property):
    path, rng, expected = tmp_path / "a.h5ad", np.random.default_rng(8), _example["example_result"]()
    _example["example_adata"]().write_h5ad(path)
    whole = path.read_bytes()
    fields = [expected.A, expected.A_sd, expected.b, expected.control_mean, expected.members["A"]]
    fields += [expected.conditions["clamp_values"], expected.diagnostics["spectral_radius"]]
    starts = [(whole.index(field.tobytes()), field.nbytes) for field in fields]
    for _ in range(1000):
        start, size = starts[rng.integers(len(starts))]
        damaged = bytearray(whole)
        damaged[start + int(rng.integers(size))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match=r"is damaged: .* changed"):
            read(path)
    record_property("damages found", "1000 of 1000")


def test_changed_bits_in_a_default_zarr(tmp_path, record_property):
    """A store that anndata wrote, without our checksums."""
    path, rng, expected = tmp_path / "a.zarr", np.random.default_rng(8), _example["example_result"]()
    anndata.io.write_zarr(path, _example["example_adata"]())
    files = [file for file in (path / "uns" / "clamp").rglob("*") if file.is_file() and file.stat().st_size]
    files += [file for file in (path / "varm").rglob("*") if file.is_file() and file.stat().st_size]
    found = 0
    for _ in range(300):
        file = files[rng.integers(len(files))]
        whole = file.read_bytes()
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        found += _found(path, expected)
        file.write_bytes(whole)
    record_property("damages found", f"{found} of 300, the others without effect")
    assert found > 100
