"""Sums over groups against pandas, in one pass, in bounded memory."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from scclamp._errors import InputError
from scclamp._source import as_source
from scclamp._streaming import ValueStats, encoded_sums, grouped_sums, selector

RNG = np.random.default_rng(1)
CODES = RNG.integers(-1, 4, 37)
VALUES = np.where(RNG.random((37, 9)) < 0.3, RNG.lognormal(size=(37, 9)), 0)
KINDS = {"dense": np.array, "csr": sp.csr_matrix, "csc": sp.csc_array}


def pandas_sums(values, codes, n_groups):
    used = codes >= 0
    table = pd.DataFrame(values[used]).groupby(codes[used]).sum()
    return table.reindex(range(n_groups), fill_value=0.0).to_numpy()


@pytest.mark.parametrize("chunk_size", [1, 5, 4096])
@pytest.mark.parametrize("kind", KINDS)
def test_sums_equal_those_of_pandas(kind, chunk_size):
    sums, stats = grouped_sums(as_source(KINDS[kind](VALUES)), selector(CODES, 5), chunk_size=chunk_size)
    np.testing.assert_allclose(sums, pandas_sums(VALUES, CODES, 5), rtol=1e-13, atol=1e-13)
    used = VALUES[CODES >= 0]
    assert stats == ValueStats(0.0, used.max(), False, np.count_nonzero(used), False)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.float16, np.float32, ">f4"])
@pytest.mark.parametrize("kind", KINDS)
def test_dtypes_are_summed_in_float64(kind, dtype):
    values = RNG.integers(0, 2 if dtype is bool else 100, (3000, 3)).astype(dtype)
    matrix = values if dtype in (np.float16, ">f4") else KINDS[kind](values)  # scipy's sparse matrices know neither
    codes = np.zeros(3000, int)
    sums, stats = grouped_sums(as_source(matrix), selector(codes, 1), chunk_size=512)
    # Half and single precision would have lost digits long before this sum.
    np.testing.assert_array_equal(sums[0], values.astype(np.int64).sum(0))
    assert stats.integral
    assert stats.integer_dtype == (np.dtype(dtype).kind in "biu")


@pytest.mark.parametrize("kind", KINDS)
def test_weights_repeat_rows(kind):
    weights = RNG.integers(0, 4, (3, len(CODES)))
    sums, _ = grouped_sums(as_source(KINDS[kind](VALUES)), selector(CODES, 4, weights), chunk_size=8)
    for replicate, w in zip(sums.reshape(3, 4, -1), weights, strict=True):
        expected = pandas_sums(np.repeat(VALUES, w, axis=0), np.repeat(CODES, w), 4)
        np.testing.assert_allclose(replicate, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [(0, 0), (17, 5), (36, 8)])
def test_a_value_that_is_not_finite_is_named_where_it_is(kind, bad, at):
    values = VALUES.copy()
    values[at] = bad
    names = {"row_names": [f"cell{i}" for i in range(37)], "column_names": [f"gene{j}" for j in range(9)]}
    source = as_source(KINDS[kind](values), where="layers['x']", **names)
    groups = selector(np.zeros(37, int), 1)
    message = rf"layers\['x'\] holds {bad} at observation 'cell{at[0]}' \(row {at[0]}\), gene 'gene{at[1]}' \(column {at[1]}\)"
    with pytest.raises(InputError, match=message):
        grouped_sums(source, groups, chunk_size=6)
    with pytest.raises(InputError, match=message):
        encoded_sums(source, groups, np.square, chunk_size=6)
    # A row that nobody uses may hold anything.
    codes = np.zeros(37, int)
    codes[at[0]] = -1
    sums, stats = grouped_sums(source, selector(codes, 1), chunk_size=6)
    np.testing.assert_allclose(sums[0], np.delete(VALUES, at[0], axis=0).sum(0))
    assert stats.maximum <= VALUES.max()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0.0, 0.0], ValueStats()),
        ([0.0, -2.0], ValueStats(minimum=-2.0, n_nonzero=1)),
        ([1.0, 0.5], ValueStats(maximum=1.0, integral=False, n_nonzero=2)),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_statistics(kind, row, expected):
    _, stats = grouped_sums(as_source(KINDS[kind](np.array([row]))), selector(np.array([0]), 1))
    assert stats == expected


@pytest.mark.parametrize("chunk_size", [1, 7, 4096])
@pytest.mark.parametrize("kind", KINDS)
def test_encoded_sums_encode_each_row_once(kind, chunk_size):
    seen = []

    def encode(chunk):
        assert chunk.dtype == np.float64
        assert len(chunk) <= chunk_size
        seen.append(len(chunk))
        return np.tanh(chunk) @ np.arange(18.0).reshape(9, 2)

    sums = encoded_sums(as_source(KINDS[kind](VALUES)), selector(CODES, 4), encode, chunk_size=chunk_size)
    expected = pandas_sums(np.tanh(VALUES) @ np.arange(18.0).reshape(9, 2), CODES, 4)
    np.testing.assert_allclose(sums, expected, rtol=1e-12)
    assert sum(seen) == (CODES >= 0).sum()


def test_encoder_and_chunk_are_checked():
    source, groups = as_source(VALUES), selector(CODES, 4)
    with pytest.raises(InputError, match=r"encode returned shape \(9,\)"):
        encoded_sums(source, groups, lambda chunk: chunk[0])
    with pytest.raises(InputError, match="no row belongs to a group"):
        encoded_sums(source, selector(np.full(37, -1), 4), np.square)
    with pytest.raises(InputError, match="chunk_size=0 must be a whole number of at least 1"):
        grouped_sums(source, groups, chunk_size=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_matrix_is_not_changed(kind):
    matrix = KINDS[kind](VALUES)
    before = matrix.copy()
    grouped_sums(as_source(matrix), selector(CODES, 4), chunk_size=5)
    encoded_sums(as_source(matrix), selector(CODES, 4), lambda c: np.add(c, 1, out=c)[:, :1], chunk_size=5)
    assert (abs(matrix - before)).max() == 0


MEMORY = """
    import resource, sys
    import anndata as ad, numpy as np, pandas as pd, scipy.sparse as sp
    from scclamp.conditions import Conditions

    kind, n_bootstrap = sys.argv[1], int(sys.argv[2])
    n, g, per_row, rng = 100_000, 20_000, 300, np.random.default_rng(0)
    shape, size = ((n, g), n * per_row)
    indices, data = np.empty(size, np.int32), np.empty(size, np.float32)
    major, minor = (n, g) if kind == "csr" else (g, n)
    each = size // major
    for i in range(major):  # sorted and unique within each row or column, built without a large temporary
        start = rng.integers(0, minor // each)
        indices[i * each : (i + 1) * each] = start + np.arange(each) * (minor // each)
    data[:] = 0.1 + (np.arange(size) % 97) / 40
    X = (sp.csr_matrix if kind == "csr" else sp.csc_matrix)((data, indices, np.arange(major + 1) * each), shape=shape)
    genes = [f"g{j}" for j in range(g)]
    labels = np.array(["ctrl", *genes[:100]])[rng.integers(0, 101, n)]
    adata = ad.AnnData(X, obs=pd.DataFrame({"gene": pd.Categorical(labels)}, index=np.arange(n).astype(str)),
                       var=pd.DataFrame(index=genes))
    conditions = Conditions.from_anndata(adata, rng=0, n_bootstrap=n_bootstrap)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    row = np.flatnonzero(labels == "g7")
    pooled = conditions.train_n + conditions.val_n
    assert pooled.sum() == n and pooled[conditions.names.index("g7")] == row.size
    print(peak / 2**20)
"""


@pytest.mark.stress
@pytest.mark.parametrize(("kind", "n_bootstrap"), [("csr", 0), ("csc", 0), ("csr", 5)])
def test_memory_of_a_large_sparse_screen_is_bounded(kind, n_bootstrap):
    # 100,000 x 20,000 would be 7.5 GiB dense in single precision; the sparse data are 0.23 GiB.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(MEMORY), kind, str(n_bootstrap)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.5, f"the whole process peaked at {done.stdout} GiB"
