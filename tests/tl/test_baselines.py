import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp.conditions import Conditions
from scclamp.fitting import FitConfig
from scclamp.predictors import DenoisedAdditive, LatentAdditive


@pytest.fixture(scope="module")
def tiny():
    return sc_c.datasets.simulated("tiny")


@pytest.fixture(scope="module")
def pairs(tiny):
    return sorted({str(name) for name in tiny.obs["perturbation"] if "+" in str(name)})


def test_additive_is_the_sum_of_what_a_fit_sees(tiny, pairs):
    """Same split as `tl.fit` draws by default, worked out from the cells."""
    found = sc_c.tl.baselines(tiny, predictors="additive")
    assert list(found.obs_names) == pairs
    conditions = Conditions.from_anndata(tiny, rng=FitConfig().seed)
    mean = dict(zip(conditions.names, conditions.train_mean, strict=True))
    np.testing.assert_allclose(found.var["control"], mean["control"])
    expected = [sum(mean[g] for g in n.split("+")) - mean["control"] * n.count("+") for n in pairs]
    np.testing.assert_allclose(found.layers["additive"], expected, rtol=1e-5, atol=1e-5)


def test_observed_are_all_cells_of_combinations_nothing_is_learned_from(tiny, pairs):
    found = sc_c.tl.baselines(tiny, predictors="no_change")
    labels = tiny.obs["perturbation"].astype(str).to_numpy()
    X = tiny.X.toarray() if hasattr(tiny.X, "toarray") else tiny.X
    np.testing.assert_allclose(found.layers["observed"], [X[labels == n].mean(0) for n in pairs], rtol=1e-5, atol=1e-5)
    assert found.obs["n_cells"].tolist() == [(labels == n).sum() for n in pairs]
    assert found.obs["n_genes_perturbed"].tolist() == [2] * len(pairs)


def test_targets_in_any_form(tiny):
    asked = ["REG02+REG01", ("REG03", "REG01"), "control", "REG04", ("REG01", "REG02"), "REG01+REG02+REG03"]
    found = sc_c.tl.baselines(tiny, asked, predictors=["additive", "matching_mean"])
    assert list(found.obs_names) == ["REG01+REG02", "REG01+REG03", "control", "REG04", "REG01+REG02+REG03"]
    assert sc_c.tl.baselines(tiny, "REG01+REG02", predictors="additive").n_obs == 1
    # Cells of the single gene that do not train are observed; the triple was never made.
    assert found.obs.loc["REG04", "n_cells"] > 0
    assert np.isnan(found["REG01+REG02+REG03"].layers["observed"]).all()
    np.testing.assert_allclose(found["control"].layers["additive"][0], found.var["control"], rtol=1e-6)


def test_free_scales_need_a_split_or_choosing_combinations(tiny, pairs):
    assert "scaled_additive" not in sc_c.tl.baselines(tiny, pairs[:2], predictors=None, train_fraction=1.0).layers
    with pytest.raises(
        InputError, match=r"'scaled_additive' fits its scale.*predictors\.ScaledAdditive\(scale=1\.0\).*choosing="
    ):
        sc_c.tl.baselines(tiny, predictors="scaled_additive")
    found = sc_c.tl.baselines(tiny, predictors="scaled_additive", choosing=pairs[:3])
    assert list(found.obs_names) == pairs[3:]
    assert found.uns["baselines"]["learned"]["scaled_additive"]["scale"] > 0
    assert json.loads(found.uns["baselines"]["params"])["choosing"] == pairs[:3]
    with pytest.raises(InputError, match="choosing: 'REG01\\+REG02' is no combination with"):
        sc_c.tl.baselines(tiny, predictors="scaled_additive", choosing=["REG02+REG01"])


def test_a_split_decides_what_trains(tiny, pairs):
    adata = tiny.copy()
    labels = adata.obs["perturbation"].astype(str)
    adata.obs["role"] = np.where(labels.isin(pairs[:2]), "test", "train")
    found = sc_c.tl.baselines(adata, predictors=["scaled_additive", "additive"], split_key="role")
    assert list(found.obs_names) == pairs[:2]
    conditions = Conditions.from_anndata(adata, split_key="role")
    assert set(pairs[2:]) <= set(conditions.names)
    np.testing.assert_allclose(found.var["control"], conditions.train_mean[0])


def test_one_does_not_depend_on_the_others(tiny, untouched_rng):
    small = LatentAdditive(epochs=3)
    before = tiny.obs.copy()
    alone = sc_c.tl.baselines(tiny, predictors=small, rng=1)
    both = sc_c.tl.baselines(tiny, predictors={"x": small, "y": LatentAdditive(epochs=2), "z": small}, rng=1)
    np.testing.assert_array_equal(alone.layers["latent_additive"], both.layers["z"])
    np.testing.assert_array_equal(both.layers["x"], both.layers["z"])
    assert small.training_ is None
    pd.testing.assert_frame_equal(tiny.obs, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"targets": ["REG01+REG2"]}, "targets: 'REG2' of 'REG01+REG2' is no gene of the screen. Did you mean 'REG02'"),
        ({"targets": ["REG2"]}, "targets: 'REG2' is no gene of the screen. Did you mean 'REG02'"),
        ({"targets": ["aditive"]}, "Did you mean 'additive'? That is a predictor: pass predictors="),
        ({"targets": []}, "targets is empty"),
        ({"targets": [("REG01", "GENE0001", "REG01")]}, "names a gene twice"),
        ({"predictors": ["aditive"]}, "is no predictor. Did you mean 'additive'"),
        ({"predictors": []}, "predictors is empty"),
        ({"predictors": ["additive", "additive"]}, "names 'additive' twice"),
        ({"predictors": [DenoisedAdditive]}, "is a class. Pass an instance, such as DenoisedAdditive()"),
        ({"predictors": {"a/b": "additive"}}, "has the name 'a/b'"),
        ({"unmeasured": "ignore"}, "unmeasured='ignore' is not known"),
    ],
)
def test_mistakes_are_explained(tiny, arguments, message):
    with pytest.raises(InputError) as error:
        sc_c.tl.baselines(tiny, **({"predictors": "additive"} | arguments))
    assert message in str(error.value)


def test_a_target_without_its_single_is_named(tiny):
    gene = next(g for g in tiny.var_names if g not in set(tiny.obs["perturbation"]))
    with pytest.raises(InputError, match=f"'additive' cannot predict .*{gene}"):
        sc_c.tl.baselines(tiny, [("REG01", gene)], predictors="additive")
    assert sc_c.tl.baselines(tiny, [("REG01", gene)], predictors="linear_pca").n_obs == 1


def test_without_combinations_targets_must_be_named(tiny):
    adata = tiny[~tiny.obs["perturbation"].astype(str).str.contains("+", regex=False)].copy()
    with pytest.raises(InputError, match="targets=None predicts combinations of the screen"):
        sc_c.tl.baselines(adata, predictors="additive")


def test_norman_by_the_face(shared_data, tmp_path):
    """All 62 doubles with both singles, 47 perturbed genes unmeasured; survives a file."""
    path = shared_data / "norman2019_pseudobulk" / "norman2019_pseudobulk.h5ad"
    if not path.exists():
        pytest.skip(f"no {path}")
    found = sc_c.tl.baselines(
        ad.read_h5ad(path), predictors=["additive", DenoisedAdditive(penalty=100 * np.log(2) ** 2)]
    )
    assert found.shape == (62, 2000)
    shift = found.to_df("observed") - found.var["control"]
    r = {}
    for name in ("additive", "denoised_additive"):
        predicted = found.to_df(name) - found.var["control"]
        values = []
        for pair in found.obs_names:
            free = found.var_names.difference(pair.split("+"))
            values.append(np.corrcoef(predicted.loc[pair, free], shift.loc[pair, free])[0, 1])
        r[name] = np.mean(values)
    assert r == pytest.approx({"additive": 0.684, "denoised_additive": 0.7185}, abs=1e-3)
    found.write_h5ad(tmp_path / "found.h5ad")
    again = ad.read_h5ad(tmp_path / "found.h5ad")
    assert again.uns["baselines"]["learned"] == found.uns["baselines"]["learned"]
