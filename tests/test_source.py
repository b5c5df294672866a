"""Every kind of matrix read in blocks must give back the matrix, and no block more than was asked for."""

from __future__ import annotations

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import zarr

from scclamp._errors import InputError
from scclamp._source import as_source, layer_names, open_layer, stored_by_rows

DENSE = np.where(np.random.default_rng(0).random((23, 7)) < 0.4, np.arange(161.0).reshape(23, 7), 0)


def assemble(source, chunk_size):
    parts = [b.toarray() if sp.issparse(b) else b for _, b in source.blocks(chunk_size)]
    return np.concatenate(parts, axis=0 if source.by_rows else 1)


@pytest.fixture
def matrix(request, tmp_path):
    kind = request.param
    if kind == "h5py":
        with h5py.File(tmp_path / "x.h5", "w") as file:
            yield file.create_dataset("x", data=DENSE)
    elif kind == "zarr":
        array = zarr.create_array(tmp_path / "x.zarr", shape=DENSE.shape, dtype="f8", chunks=(5, 7))
        array[:] = DENSE
        yield array
    elif kind.startswith("stored"):
        with h5py.File(tmp_path / "x.h5", "w") as file:
            ad.io.write_elem(file, "x", getattr(sp, kind.removeprefix("stored ") + "_matrix")(DENSE))
            yield ad.io.sparse_dataset(file["x"])
    elif kind.startswith("dask"):
        da = pytest.importorskip("dask.array")
        layout = kind.removeprefix("dask ")
        whole = DENSE if layout == "dense" else getattr(sp, layout + "_matrix")(DENSE)
        yield da.from_array(whole, chunks=(23, 2) if layout == "csc" else (6, 7), asarray=False)
    elif kind == "half":
        csr = sp.csr_matrix(DENSE)
        yield sp.csr_matrix((csr.data.astype(np.float16), csr.indices, csr.indptr), shape=csr.shape)
    else:
        yield {
            "numpy": DENSE,
            "fortran": np.asfortranarray(DENSE),
            "float16": DENSE.astype(np.float16),
            "big endian": DENSE.astype(">f4"),
            "csr": sp.csr_matrix(DENSE),
            "csc": sp.csc_matrix(DENSE),
            "csr_array": sp.csr_array(DENSE),
            "csc_array": sp.csc_array(DENSE.astype(np.int32)),
            "coo": sp.coo_matrix(DENSE),
        }[kind]


IN_MEMORY = [
    "numpy",
    "fortran",
    "float16",
    "big endian",
    "csr",
    "csc",
    "csr_array",
    "csc_array",
    "coo",
    "half",
]
KINDS = [*IN_MEMORY, "h5py", "zarr", "stored csr", "stored csc", "dask dense", "dask csr", "dask csc"]


@pytest.mark.parametrize("matrix", KINDS, indirect=True)
def test_blocks_add_up_to_the_matrix(matrix):
    source = as_source(matrix)
    assert source.shape == DENSE.shape
    for chunk_size in (1, 4, 1000):
        np.testing.assert_array_equal(assemble(source, chunk_size), DENSE)
    rows = stored_by_rows(source)
    assert rows.by_rows
    np.testing.assert_array_equal(assemble(rows, 5), DENSE)


@pytest.mark.parametrize("matrix", [k for k in KINDS if "cs" in k], indirect=True)
def test_sparse_blocks_stay_sparse_and_within_the_chunk(matrix):
    source = as_source(matrix)
    for _, block in source.blocks(4):
        assert sp.issparse(block)
        assert block.shape[0] * block.shape[1] <= max(4 * DENSE.shape[1], DENSE.shape[0])


def test_unwanted_blocks_are_not_read():
    wanted = np.zeros(len(DENSE), bool)
    wanted[[9, 20]] = True
    source = as_source(DENSE)
    assert [(at.start, at.stop) for at, _ in source.blocks(5, wanted)] == [(5, 10), (20, 23)]


def test_dense_blocks_are_views():
    assert np.shares_memory(as_source(DENSE).read(2, 9), DENSE)


@pytest.mark.parametrize("bad", [DENSE + 1j, DENSE.astype(str), DENSE.astype(object), DENSE.astype("datetime64[s]")])
def test_other_dtypes_are_named(bad):
    with pytest.raises(InputError, match=rf"matrix has dtype {bad.dtype}".replace("[", r"\[")):
        as_source(bad)


def test_other_types_are_named():
    with pytest.raises(InputError, match="is a DataFrame"):
        as_source(pd.DataFrame(DENSE))


@pytest.mark.parametrize("kind", ["dense", "csr", "csc"])
@pytest.mark.parametrize("backed", [False, True])
@pytest.mark.parametrize("layer", [None, "l"])
def test_views_are_read_in_blocks(kind, backed, layer, tmp_path):
    whole = DENSE if kind == "dense" else getattr(sp, kind + "_matrix")(DENSE)
    adata = ad.AnnData(whole, layers={"l": whole * 2})
    if backed:
        adata.write_h5ad(tmp_path / "x.h5ad")
        adata = ad.read_h5ad(tmp_path / "x.h5ad", backed="r")
    rows, columns = [5, 2, 2, 19, 0], [6, 1, 3]
    if backed:
        rows = [2, 5, 19]
    source = open_layer(adata[rows][:, columns], layer)
    assert source.by_rows == (kind != "csc")
    expected = DENSE[np.ix_(rows, columns)] * (1 if layer is None else 2)
    for chunk_size in (1, 2, 100):
        np.testing.assert_array_equal(assemble(source, chunk_size), expected)
    if backed:
        adata.file.close()


def test_layers_are_named():
    adata = ad.AnnData(DENSE, layers={"lognorm": DENSE})
    assert layer_names(adata) == ["lognorm"]
    with pytest.raises(InputError, match=r"layer='lognrm' is not in adata.layers. Did you mean 'lognorm'\?"):
        open_layer(adata, "lognrm")
    with pytest.raises(InputError, match="There are no layers"):
        open_layer(ad.AnnData(DENSE), "x")
    with pytest.raises(InputError, match=r"adata\.X is empty"):
        open_layer(ad.AnnData(obs=pd.DataFrame(index=["a"])), None)
    empty = ad.AnnData(obs=pd.DataFrame(index=["a", "b"]))
    with pytest.raises(InputError, match=r"adata\.X is empty"):
        open_layer(empty[:1], None)
