import numpy as np

import scclamp as sc_c
from scclamp._observed import observed_means


def test_means_are_those_of_the_fitted_layer_column_and_control():
    adata = sc_c.datasets.simulated("tiny")
    adata.obs["guide"] = adata.obs.pop("perturbation").astype(str).replace({"control": "WT_x"})
    adata.layers["log"], adata.X = adata.X.copy(), adata.layers["counts"].copy()
    sc_c.tl.fit(adata, perturbation_key="guide", control="WT_x", layer="log", max_epochs=2, key_added="mine")
    means = observed_means(adata, key="mine")
    assert set(means.index) == set(adata.obs["guide"].replace({"WT_x": "control"}))
    for name, label in (("control", "WT_x"), ("REG01+REG05", "REG01+REG05")):
        cells = (adata.obs["guide"] == label).to_numpy()
        np.testing.assert_allclose(means.loc[name], adata.layers["log"].toarray()[cells].mean(0), rtol=1e-5)
