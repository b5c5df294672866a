"""Library sizes: the sum of the counts, unless a column knows of genes that are not there."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp._columns import Table
from scclamp._errors import InputError, InputWarning
from scclamp.pp._library import library_sizes

COUNTS = np.random.default_rng(0).poisson(3.0, (6, 5)).astype(float) + 1


def table(**columns):
    return Table(ad.AnnData(COUNTS, obs=pd.DataFrame(columns, index=[f"c{i}" for i in range(6)])))


@pytest.mark.parametrize("key", ["n_counts", "total_counts", "nCount_RNA", "ncounts", "response_n_umis"])
def test_counts_of_a_panel_are_told_from_those_of_all_genes(key):
    with pytest.warns(
        InputWarning, match=rf"sum of their 5 genes .* obs\['{key}'\] is larger .* library_size_key='{key}'"
    ):
        sums = library_sizes(table(**{key: COUNTS.sum(1) * 3}), None, None)
    np.testing.assert_array_equal(sums, COUNTS.sum(1))
    np.testing.assert_array_equal(library_sizes(table(**{key: COUNTS.sum(1) * 3}), None, key), 3 * COUNTS.sum(1))


@pytest.mark.parametrize(
    "column", [COUNTS.sum(1), COUNTS.sum(1) * 1.01, np.r_[COUNTS.sum(1)[:5] * 3, 0], np.full(6, np.nan), list("abcdef")]
)
def test_a_column_that_says_nothing_else_is_passed_over(column):
    np.testing.assert_array_equal(library_sizes(table(n_counts=column), None, None), COUNTS.sum(1))


def test_a_column_below_the_sum_is_no_library_size():
    with pytest.raises(InputError, match="holds 1 for cell 'c0', whose counts sum to"):
        library_sizes(table(n=np.ones(6)), None, "n")
