import anndata as ad
import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputWarning
from scclamp._storage import decode
from scclamp.tl._fit_result import drop_derived


@pytest.fixture(scope="module")
def screen():
    adata = sc_c.datasets.simulated("tiny")
    for key in ("clamp", "other"):
        sc_c.tl.fit(adata, max_epochs=3, key_added=key)
        sets = {"some": list(adata.var_names[:8])}
        sc_c.tl.enrich(adata, sets, n_top=10, key=key)
        sc_c.tl.enrich(adata, sets, n_top=10, key=key, key_added=f"sets of {key}")
        sc_c.tl.predict_clamps(adata, key=key)
        sc_c.tl.evaluate(adata, key=key, refit=False, n_bootstrap=10)
        sc_c.tl.evaluate(adata, key=key, key_added=f"verdict on {key}", refit=False, n_bootstrap=10)
    adata.uns["notes"] = {"params": {"key": "clamp"}}
    adata.uns["table"], adata.uns["table_params"] = adata.obs.iloc[:2].copy(), "no JSON"
    return adata


@pytest.mark.parametrize("through_a_file", [False, True])
def test_what_hangs_on_a_fit_goes_and_the_rest_stays(screen, tmp_path, through_a_file):
    adata = screen.copy()
    if through_a_file:
        adata.write_h5ad(tmp_path / "x.h5ad")
        adata = ad.read_h5ad(tmp_path / "x.h5ad")
    before = set(adata.uns)
    dropped = drop_derived(adata, "clamp")
    gone = {"clamp_enrichment", "clamp_enrichment_params", "clamp_evaluation", "verdict on clamp"}
    gone |= {"sets of clamp", "sets of clamp_params"}
    assert set(adata.uns) == before - gone
    assert set(dropped) == {f"uns[{n!r}]" for n in gone if "params" not in n} | {"layers['clamp_predicted']"}
    assert "clamp_predicted" not in adata.layers
    assert "other_predicted" in adata.layers
    assert np.array_equal(decode(adata, "clamp").A, decode(screen, "clamp").A)
    assert drop_derived(adata, "clamp") == []
    assert set(adata.uns) == before - gone


def test_a_second_fit_names_what_it_removes(screen):
    adata = screen.copy()
    with pytest.warns(InputWarning, match="key_added='clamp' held an earlier fit.*is removed: ") as caught:
        sc_c.tl.fit(adata, max_epochs=1)
    told = str(caught[0].message)
    for name in ("layers['clamp_predicted']", "uns['verdict on clamp']", "uns['sets of clamp']"):
        assert name in told
    assert "verdict on other" not in told
    assert caught[0].filename == __file__
    sc_c.tl.fit(adata, max_epochs=1)


def test_the_limit_is_known_when_it_is_reached():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=3)
    assert adata.uns["clamp"]["diagnostics"]["limit_reached"].tolist() == [True]
    sc_c.tl.fit(adata, max_epochs=400, patience=1, learning_rate=1e-9)
    found = adata.uns["clamp"]["diagnostics"]
    assert found["n_epochs"] < 400
    assert found["limit_reached"].tolist() == [False]


def test_a_verdict_of_before_names_had_a_key(screen):
    adata = screen.copy()
    for name in ("clamp_evaluation", "other_evaluation"):
        adata.uns[name] = {**adata.uns[name], "params": {"n": 6}}
    drop_derived(adata, "clamp")
    assert "clamp_evaluation" not in adata.uns
    assert "other_evaluation" in adata.uns
