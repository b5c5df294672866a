"""Correlation over cells against numpy, in every storage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scclamp._errors import InputError
from scclamp.metrics import cell_correlation

ROWS = np.array([4, -1, 0])


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(0)
    X = np.log1p(rng.poisson(1.0, (150, 9)) + rng.poisson(0.5, (150, 1)))
    X[:, 6] = 0.1
    return X


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
@pytest.mark.parametrize("chunk_size", [1, 64, 4096])
def test_against_numpy(cells, kind, chunk_size):
    found = cell_correlation(kind(cells), ROWS, chunk_size=chunk_size)
    varying = np.delete(np.arange(9), 6)
    whole = np.corrcoef(cells[:, varying].T)
    at = {gene: i for i, gene in enumerate(varying)}
    np.testing.assert_allclose(found[varying][:, [0, 2]], whole[:, [at[4], at[0]]], atol=1e-10)
    assert not found[:, 1].any()
    assert not found[6].any()


@pytest.mark.parametrize(
    ("X", "rows", "message"),
    [
        (np.ones((3, 2)), [2], "from 0 to 1"),
        (np.ones((1, 2)), [0], "1 cells"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), [0], "gene 1"),
    ],
)
def test_errors(X, rows, message):
    with pytest.raises(InputError, match=message):
        cell_correlation(X, rows)
