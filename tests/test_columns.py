"""Which data are taken, and what is said when none can be."""

from __future__ import annotations

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest

from scclamp._columns import Table, unwrap
from scclamp._errors import InputError

# anndata 0.13.4 and mudata 0.4.1 use what pandas 3.1 has deprecated, in views with categories and in MuData.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'mode.chained_assignment' option is deprecated"),
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.drop is deprecated"),
]

GENES = ["AHR", "KLF1", "STAT1"]
LABELS = ["ctrl", "AHR", "KLF1+ctrl", "KLF1+AHR"]


def adata_of(columns):
    n = len(next(iter(columns.values())))
    obs = pd.DataFrame(columns, index=[f"c{i}" for i in range(n)])
    return ad.AnnData(np.ones((n, 3), np.float32), obs=obs, var=pd.DataFrame(index=GENES))


def mudata_of(outer=None):
    rna = adata_of({"gene": LABELS} if outer is None else {"batch": list("abab")})
    mdata = mudata.MuData({"rna": rna, "adt": ad.AnnData(np.ones((4, 1)), obs=pd.DataFrame(index=rna.obs_names))})
    if outer is not None:
        mdata.obs["gene"] = outer
    return mdata


def test_mod_is_checked():
    with pytest.raises(InputError, match=r"mod=None, but the data is a MuData.*'rna', 'adt'"):
        unwrap(mudata_of(), None)
    with pytest.raises(InputError, match=r"mod='rn' is not a modality. Did you mean 'rna'\?"):
        unwrap(mudata_of(), "rn")
    with pytest.raises(InputError, match="mod='rna' was given, but the data is an AnnData"):
        unwrap(adata_of({"x": ["a"]}), "rna")
    with pytest.raises(InputError, match="DataFrame object cannot be used"):
        unwrap(pd.DataFrame(), None)
    with pytest.raises(
        InputError, match=r"str object cannot be used.*A file is read first: adata = scclamp\.read\(path\)\."
    ):
        unwrap("screen.h5ad", None)


def test_a_column_whose_name_is_no_text_is_passed_over():
    adata = adata_of({"gene": LABELS})
    adata.obs[0] = LABELS
    table = Table(adata)
    assert table.columns == ["gene"]


@pytest.mark.parametrize(
    "record", ["text", {"params": "no json", "report": 1}, {"params": "[1]", "report": 1}, {"report": 1}]
)
def test_a_record_of_somebody_else_is_passed_over(record):
    adata = adata_of({"mine": LABELS})
    adata.uns["perturbations"] = record
    assert Table(adata).harmonised is None
