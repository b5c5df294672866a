import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError


@pytest.fixture(scope="module")
def answer():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=15)
    states = pd.DataFrame(adata.varm["true_states"].T, index=adata.uns["truth"]["conditions"], columns=adata.var_names)
    return sc_c.tl.predict_clamps(adata, [name for name in states.index if "+" in name]), states


def test_points_are_shifts_of_free_genes(answer):
    predicted, states = answer
    name = predicted.obs_names[1]
    ax = sc_c.pl.predictions(predicted, states, conditions=[name]).axes[0]
    free = ~predicted.var_names.isin(name.split("+"))
    observed = (states.loc[name] - states.loc["control"]).to_numpy()[free]
    shift = predicted.to_df("shift").loc[name].to_numpy()[free]
    np.testing.assert_allclose(
        ax.collections[0].get_offsets(), np.column_stack([observed, shift]), rtol=1e-5, atol=1e-6
    )
    assert f"{np.corrcoef(observed, shift)[0, 1]:.2f}" in ax.get_title()


def test_one_panel_for_each_condition(answer):
    assert len(sc_c.pl.predictions(*answer, n_columns=4).axes) == 6


def test_what_is_missing_is_named(answer):
    predicted, states = answer
    with pytest.raises(InputError, match="no row 'control'"):
        sc_c.pl.predictions(predicted, states.drop("control"))
    with pytest.raises(InputError, match="shares no condition"):
        sc_c.pl.predictions(predicted, states.loc[["control"]])
    with pytest.raises(InputError, match="conditions names 'A\\+B'"):
        sc_c.pl.predictions(predicted, states, conditions=["A+B"])
