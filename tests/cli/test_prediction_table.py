"""What is compared in a table of predictions has one unit."""

import numpy as np
import pytest

import scclamp as sc_c
from scclamp.cli._prediction_table import table_of


@pytest.fixture(scope="module")
def answer():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=5)
    return sc_c.tl.predict_clamps(adata, ["REG01+REG02", "REG03+REG04"])


def test_changes_stand_beside_levels(answer):
    table = table_of(answer, genes=None, observed=None, key="clamp")
    columns = table.columns.tolist()
    assert columns.index("additive") + 1 == columns.index("additive_shift") == columns.index("departure") - 1
    assert len(table) == answer.n_obs * answer.n_vars
    control = answer.var["control"].to_numpy()
    for row, (name, part) in enumerate(table.groupby("condition", sort=False)):
        assert name == answer.obs_names[row]
        np.testing.assert_allclose(part["shift"], part["predicted"] - control, atol=1e-5)
        np.testing.assert_allclose(part["additive_shift"], part["additive"] - control, atol=1e-5)
        free = ~part["gene"].isin(name.split("+")).to_numpy()
        scale = answer.obs["scale"].iloc[row]
        np.testing.assert_allclose(
            part["departure"][free], part["shift"][free] / scale - part["additive_shift"][free], atol=1e-5
        )
        assert part["departure"][~free].isna().all()


def test_genes_are_those_that_were_asked_for(answer):
    table = table_of(answer, genes=["GENE0012"], observed=None, key="clamp")
    assert table["gene"].unique().tolist() == ["GENE0012"]
    whole = table_of(answer, genes=None, observed=None, key="clamp").query("gene == 'GENE0012'")
    np.testing.assert_array_equal(table["departure"], whole["departure"])
