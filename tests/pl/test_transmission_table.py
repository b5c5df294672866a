import anndata as ad
import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp.encoders import as_encoder
from scclamp.pl._transmission_table import read


@pytest.fixture(scope="module")
def measured():
    adata = sc_c.datasets.simulated("tiny")
    half = as_encoder(lambda x: x[..., ::2], name="half", affine=True)
    sc_c.tl.transmission(adata, {"pca": "pca", "half": half}, n_cells=4, n_seeds=2, n_bootstrap=20, rng=0)
    sc_c.tl.transmission(adata, half, basis="alpha", n_cells=4, n_seeds=2, n_bootstrap=20, rng=0, key_added="other")
    return adata


def test_tables_are_those_of_the_basis(measured):
    found = read(measured, None, None, None, "transmission")
    assert (found.encoders, found.basis, found.lenses) == (("identity", "pca", "half"), "gamma", ("pca", "half"))
    assert set(found.summary["basis"]) == {"alpha", "gamma"}
    assert set(found.components["basis"]) == set(found.regulators["basis"]) == {"gamma"}
    assert read(measured, None, "alpha", None, "transmission").basis == "alpha"
    assert read(measured, None, None, None, "other").basis == "alpha"


def test_encoders_are_chosen_and_ordered(measured):
    found = read(measured, ["half", "identity"], None, None, "transmission")
    assert found.encoders == ("half", "identity")
    assert set(found.components["encoder"]) == {"half", "identity"}
    assert read(measured, "identity", None, None, "transmission").lenses == ("identity",)


def test_the_longest_shifts_come_first(measured):
    found = read(measured, None, None, None, "transmission")
    table = found.preserved(5)
    X, labels = measured.X.toarray().astype(float), measured.obs["perturbation"].astype(str)
    control = X[labels == "control"].mean(0)
    shift = {name: X[labels == name].mean(0) - control for name in set(labels) if "+" not in name and name != "control"}
    longest = sorted(shift, key=lambda name: -np.linalg.norm(shift[name]))[:5]
    assert list(table.columns) == longest
    assert list(table.index) == ["pca", "half"]
    assert ((table > 0) & (table <= 1 + 1e-9)).to_numpy().all()
    assert found.preserved(100).shape == (2, 8)


def test_a_table_without_a_null_is_read(measured):
    old = ad.AnnData(np.zeros((1, 1)))
    old.uns["transmission"] = dict(measured.uns["transmission"])
    old.uns["transmission"]["summary"] = old.uns["transmission"]["summary"].drop(columns="null")
    assert read(old, None, None, None, "transmission").summary["null"].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": "none"}, r"uns\['none'\]. Run scclamp.tl.transmission"),
        ({"encoders": "scgpt"}, "encoders: 'scgpt' is not there. There are 'identity', 'pca', 'half'"),
        ({"basis": "beta"}, "basis='beta' is not known"),
        ({"basis": "gamma", "key": "other"}, "basis='gamma' was not measured, but 'alpha'"),
    ],
)
def test_what_is_missing_is_said(measured, options, message):
    with pytest.raises(InputError, match=message):
        read(measured, **{"encoders": None, "basis": None, "mod": None, "key": "transmission"} | options)


def test_data_without_any_result_are_refused():
    with pytest.raises(InputError, match="Run scclamp"):
        read(ad.AnnData(np.zeros((2, 2))), None, None, None, "transmission")
