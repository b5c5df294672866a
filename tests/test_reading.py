"""How one column of labels is read."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp._columns import Table
from scclamp._recognise import read_perturbations

# anndata 0.13.4 and mudata 0.4.1 use what pandas 3.1 has deprecated, in views with categories and in MuData.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'mode.chained_assignment' option is deprecated"),
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.drop is deprecated"),
]

GENES = ["AHR", "KLF1", "STAT1"]


def adata_of(columns):
    n = len(next(iter(columns.values())))
    obs = pd.DataFrame(columns, index=[f"c{i}" for i in range(n)])
    return ad.AnnData(np.ones((n, 3), np.float32), obs=obs, var=pd.DataFrame(index=GENES))


def read(columns, **arguments):
    return read_perturbations(Table(adata_of(columns)), **arguments)


@pytest.mark.parametrize("dtype", [object, "category", "string", "str"])
def test_missing_labels_are_counted(dtype):
    column = pd.Series(["ctrl", None, "AHR", "", "doublet", "AHR "], dtype=dtype)
    reading = read({"x": column.to_numpy() if dtype is object else column.array}, perturbation_key="x")
    assert reading.dropped() == {"": 2, "doublet": 1}
    assert list(reading.names()) == ["control", "", "AHR", "", "", "AHR"]


def test_unused_categories_do_not_count():
    adata = adata_of({"x": pd.Categorical(["ctrl", "AHR", "A_B"])})[:2]
    assert set(read_perturbations(Table(adata), perturbation_key="x").report.mapped) == {"ctrl", "AHR"}


def test_numbers_are_read_as_text():
    reading = read({"x": [0, 1, 1]}, perturbation_key="x", control="0")
    assert list(reading.names()) == ["control", "1", "1"]
