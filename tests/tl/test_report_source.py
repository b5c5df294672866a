"""What the parts of a report are made from."""

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._storage import decode
from scclamp.tl._report_source import Source


@pytest.fixture(scope="module")
def source():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=5)
    return Source(adata, decode(adata, "clamp"), None, "clamp", None)


def test_observed_means_are_those_of_all_cells(source):
    labels = source.adata.obs["perturbation"].astype(str)
    X = source.adata.to_df()
    for name in ("control", "REG01", source.names[-1]):
        np.testing.assert_allclose(source.observed.loc[name], X[labels == name].mean(), rtol=1e-5)


def test_every_condition_but_the_control_is_predicted_once(source):
    assert sorted(source.predicted.obs_names) == sorted(set(source.names) - {"control"})
    again = source.predict(["REG01"])
    one, many = (answer["REG01"].layers["predicted"] for answer in (again, source.predicted))
    np.testing.assert_allclose(np.asarray(one), np.asarray(many), rtol=1e-5)


def test_the_line_below_the_title_counts(source):
    n = sum("+" in name for name in set(source.adata.obs["perturbation"]))
    assert (
        source.subtitle
        == f"{source.adata.n_obs:,} observations, 60 genes, 8 regulators, {n} combinations kept from the fit"
    )
