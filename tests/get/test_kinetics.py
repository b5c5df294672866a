import runpy
from pathlib import Path

import numpy as np

import scclamp as sc_c
from scclamp.datasets import simulated
from scclamp.fitting import FitConfig

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


def test_shared_constants_have_no_regulator():
    table = sc_c.get.kinetics(fits["simulated_fit"]())
    assert table["name"].tolist() == ["K", "gamma", "n"]
    assert table["regulator"].isna().all()
    np.testing.assert_allclose(table["value"], [1.0, 1.0, 2.0], rtol=1e-6)


def test_constants_of_each_regulator_are_rows_and_members_a_spread():
    adata = simulated("tiny")
    regulators = tuple(str(r) for r in adata.uns["truth"]["regulators"])
    rng = np.random.default_rng(0)
    n, K, gamma = rng.uniform(1, 3, (2, 8)), rng.uniform(0.5, 1, (2, 8)), np.array([0.8, 1.2])
    arrays = {
        "A": np.zeros((2, 60, 8)),
        "b": np.ones((2, 60)),
        "log_gamma": np.log(gamma),
        "activation.log_n": np.log(n),
        "activation.log_K": np.log(K),
    }
    rows = adata.var_names.get_indexer(list(regulators))
    config = FitConfig(kinetics="generalized_hill", dtype="float64")
    fits["store"](adata, arrays, regulators, rows, dict.fromkeys(regulators, 1.0), config, {})
    table = sc_c.get.kinetics(adata).set_index(["name", "regulator"])
    for j, regulator in enumerate(regulators):
        for name, members in (("n", n), ("K", K)):
            assert table.loc[(name, regulator), "value"] == np.mean(np.exp(np.log(members[:, j])))
            np.testing.assert_allclose(table.loc[(name, regulator), "sd"], members[:, j].std(ddof=1), rtol=1e-12)
    (shared,) = table.loc["gamma"].to_dict("records")
    np.testing.assert_allclose([shared["value"], shared["sd"]], [1.0, gamma.std(ddof=1)], rtol=1e-12)
