import errno
import runpy
import shutil
from pathlib import Path

import anndata
import h5py
import numpy as np
import pytest
from scipy import sparse

from scclamp import _files
from scclamp._errors import InputError, InputWarning, StorageError
from scclamp._files import read, write
from scclamp._formats import SEAL, SEAL_BYTES
from scclamp._storage import decode, encode

pytestmark = pytest.mark.filterwarnings(
    r"ignore:.*(infer_string|chained_assignment|inplace keyword|This setting will be removed in 0.14)"
)
_example = runpy.run_path(str(Path(__file__).parent / "data" / "make_golden.py"))
example_adata, example_result = _example["example_adata"], _example["example_result"]


def _only(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
def test_fits_survive_files_bit_for_bit(tmp_path, name, dtype):
    result = example_result(dtype)
    adata = example_adata(result)
    adata.X = sparse.csr_matrix(adata.X)
    write(adata, tmp_path / name)
    back = read(tmp_path / name)
    assert decode(back).digests == result.digests
    assert decode(back).A.tobytes() == result.A.tobytes()
    np.testing.assert_array_equal(back.X.toarray(), adata.X.toarray())
    write(back, tmp_path / name)
    assert decode(read(tmp_path / name)[:2]).digests == result.digests
    assert _only(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a.h5mu", "a.zarr"])
def test_fits_survive_in_a_modality(tmp_path, name):
    mudata = pytest.importorskip("mudata")
    result = example_result()
    other = anndata.AnnData(np.ones((6, 2), dtype="float32"))
    data = mudata.MuData({"rna": example_adata(result), "adt": other})
    write(data, tmp_path / name)
    back = read(tmp_path / name)
    assert list(back.mod) == ["rna", "adt"]
    assert decode(back["rna"]).digests == result.digests
    assert _only(tmp_path) == [name]


@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_compression_changes_nothing(tmp_path, compression):
    write(example_adata(), tmp_path / "a.h5ad", compression=compression)
    assert decode(anndata.read_h5ad(tmp_path / "a.h5ad")).digests == example_result().digests


def test_what_the_caller_holds_is_not_changed(tmp_path):
    adata = example_adata()
    adata.obs["batch"] = ["a", "a", "b", "b", "c", "c"]
    before = adata.obs.copy()
    write(adata, tmp_path / "a.h5ad")
    assert adata.obs.dtypes.equals(before.dtypes)
    view = adata[:4]
    write(view, tmp_path / "view.h5ad")
    assert view.is_view
    assert read(tmp_path / "view.h5ad").n_obs == 4


def test_backed_data_are_written_and_stay_backed_by_their_file(tmp_path):
    write(example_adata(), tmp_path / "a.h5ad")
    backed = anndata.read_h5ad(tmp_path / "a.h5ad", backed="r")
    write(backed, tmp_path / "b.h5ad")
    assert backed.filename == tmp_path / "a.h5ad"
    write(backed[:3], tmp_path / "c.h5ad")
    backed.file.close()
    np.testing.assert_array_equal(read(tmp_path / "b.h5ad").X, example_adata().X)
    np.testing.assert_array_equal(read(tmp_path / "c.h5ad").X, example_adata().X[:3])


def test_backed_data_may_be_written_over_their_own_file(tmp_path):
    write(example_adata(), tmp_path / "a.h5ad")
    backed = anndata.read_h5ad(tmp_path / "a.h5ad", backed="r")
    encode(backed, example_result("float32"), "again")
    write(backed, tmp_path / "a.h5ad")
    backed.file.close()
    back = read(tmp_path / "a.h5ad")
    assert decode(back, "again").digests == example_result("float32").digests
    np.testing.assert_array_equal(back.X, example_adata().X)


@pytest.mark.parametrize("name", ["a.csv", "a", "a.h5", "a.zarr.zip"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"must end in .h5ad"):
        write(example_adata(), tmp_path / name)
    with pytest.raises(InputError, match=r"must end in .h5ad"):
        read(tmp_path / name)


def test_suffix_and_type_must_fit(tmp_path):
    mudata = pytest.importorskip("mudata")
    with pytest.raises(InputError, match=r"Use .h5ad or .zarr for an AnnData"):
        write(example_adata(), tmp_path / "a.h5mu")
    with pytest.raises(InputError, match=r"Use .h5mu or .zarr for a MuData"):
        write(mudata.MuData({"rna": example_adata()}), tmp_path / "a.h5ad")
    with pytest.raises(InputError, match="Got DataFrame"):
        write(example_adata().obs, tmp_path / "a.h5ad")
    assert _only(tmp_path) == []


def test_a_folder_of_other_things_is_never_replaced(tmp_path):
    folder = tmp_path / "results.zarr"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(StorageError, match="holds other things"):
        write(example_adata(), folder)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_missing_paths_are_named(tmp_path):
    with pytest.raises(StorageError, match=r"gone.h5ad' does not exist"):
        read(tmp_path / "gone.h5ad")
    with pytest.raises(StorageError, match=r"there is no folder .*Create it first"):
        write(example_adata(), tmp_path / "gone" / "a.h5ad")


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
def test_a_folder_without_permission_is_a_storage_error(tmp_path, monkeypatch, name):
    def refuse(self, **_):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", refuse)
    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(StorageError, match=rf"{name}' could not be written .*Permission denied"):
        write(example_adata(), tmp_path / name)
    with pytest.raises(StorageError, match=rf"{name}' cannot be read .*Permission denied"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
def test_what_a_format_cannot_hold_is_an_input_error_and_the_old_file_stays(tmp_path, name):
    write(example_adata(), tmp_path / name)
    bad = example_adata()
    bad.uns["thing"] = object()
    with pytest.raises(InputError, match="thing"):
        write(bad, tmp_path / name)
    assert decode(read(tmp_path / name)).digests == example_result().digests
    assert _only(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("flush: errno = 28")])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, name, error):
    write(example_adata(), tmp_path / name)
    write_inner = _files._write

    def failing(*args):
        write_inner(*args)
        raise error

    monkeypatch.setattr(_files, "_write", failing)
    with pytest.raises(StorageError, match=rf"{name}' could not be written .*(28|No space)"):
        write(example_adata(example_result("float32")), tmp_path / name)
    assert decode(read(tmp_path / name)).digests == example_result().digests
    assert _only(tmp_path) == [name]


def test_truncated_files_are_damaged(tmp_path):
    path = tmp_path / "a.h5ad"
    write(example_adata(), path)
    whole = path.read_bytes()
    for length in [
        *np.linspace(0, len(whole) - SEAL_BYTES - 1, 20).astype(int),
        len(whole) - 64,
        len(whole) - 1,
    ]:
        path.write_bytes(whole[:length])
        with pytest.raises(StorageError, match=r"a.h5ad' (is damaged|cannot be read, it is damaged or no .h5ad)"):
            read(path)


@pytest.mark.parametrize("name", ["a.h5ad", "a.h5mu"])
def test_every_changed_bit_in_an_hdf5_file_is_found(tmp_path, name):
    path, rng, data = tmp_path / name, np.random.default_rng(0), example_adata()
    if name == "a.h5mu":
        data = pytest.importorskip("mudata").MuData({"rna": data})
    write(data, path, compression=None)
    whole = path.read_bytes()
    for where in rng.integers(0, len(whole) - SEAL_BYTES, 60):
        damaged = bytearray(whole)
        damaged[where] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match=r"damaged: its bytes do not match the digest at its end"):
            read(path)


def test_changed_bits_in_the_fit_are_found_without_a_seal(tmp_path):
    """In a file that anndata wrote, uncompressed, HDF5 finds nothing: the digests of the fit must."""
    path, rng, expected = tmp_path / "a.h5ad", np.random.default_rng(0), example_result()
    example_adata().write_h5ad(path)
    whole = path.read_bytes()
    start = whole.index(expected.A_sd.tobytes())
    for where in rng.integers(start, start + expected.A_sd.nbytes, 30):
        damaged = bytearray(whole)
        damaged[where] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match=r"a.h5ad': The fit 'clamp' is damaged: A_sd changed"):
            read(path)


def test_other_software_reads_and_changes_sealed_files(tmp_path):
    path = tmp_path / "a.h5ad"
    write(example_adata(), path)
    assert path.read_bytes()[-SEAL_BYTES:].startswith(SEAL)
    assert decode(anndata.read_h5ad(path)).digests == example_result().digests
    with h5py.File(path, "r+") as file:
        file["uns/clamp/diagnostics/epochs"][()] = 4
    assert not path.read_bytes()[-SEAL_BYTES:].startswith(SEAL)
    with pytest.raises(StorageError, match=r"diagnostics\['epochs'\] changed"):
        read(path)
    write(example_adata(), path)
    with h5py.File(path, "r+") as file:
        anndata.io.write_elem(file["uns"], "more", np.ones(1000))
    assert decode(read(path)).digests == example_result().digests


def test_a_lost_zarr_chunk_is_found(tmp_path):
    """Zarr reads a missing chunk as zeros."""
    write(example_adata(), tmp_path / "a.zarr")
    shutil.rmtree(tmp_path / "a.zarr" / "varm" / "clamp_A" / "c")
    with pytest.raises(StorageError, match="A changed since it was written"):
        read(tmp_path / "a.zarr")


def test_a_changed_bit_in_a_zarr_chunk_of_counts_is_found(tmp_path):
    write(example_adata(), tmp_path / "a.zarr")
    (chunk,) = (path for path in (tmp_path / "a.zarr" / "X" / "c").rglob("*") if path.is_file())
    whole = chunk.read_bytes()
    for where in range(0, len(whole), 5):
        damaged = bytearray(whole)
        damaged[where] ^= 4
        chunk.write_bytes(damaged)
        with pytest.raises(StorageError, match="damaged"):
            read(tmp_path / "a.zarr")


def test_a_fit_of_other_genes_is_a_warning_and_the_data_are_read(tmp_path):
    write(example_adata()[:, :5], tmp_path / "a.h5ad")
    with pytest.warns(InputWarning, match=r"a.h5ad.*the fit 'clamp' is of 12 genes|The fit 'clamp' is of 12 genes"):
        back = read(tmp_path / "a.h5ad")
    assert back.n_vars == 5


def test_a_damaged_fit_in_a_file_names_file_and_field(tmp_path):
    adata = example_adata()
    adata.varm["clamp_A"][3, 1] = 9
    adata.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(StorageError, match=r"a.h5ad': The fit 'clamp' is damaged: A changed"):
        read(tmp_path / "a.h5ad")
