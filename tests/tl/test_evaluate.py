import anndata as ad
import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputError

FAST = {"n_bootstrap": 100}


@pytest.fixture(scope="module")
def screen():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=20)
    return adata


@pytest.fixture
def adata(screen):
    return screen.copy()


def cell_means(adata):
    labels = adata.obs["perturbation"].astype(str)
    return {n: np.asarray(adata.X[(labels == n).to_numpy()].mean(0)).ravel() for n in labels.unique()}


def test_skill_and_r_are_what_a_user_would_compute(adata):
    scores = sc_c.tl.evaluate(adata, **FAST)
    pairs = adata.uns["clamp_evaluation"]["pairs"]
    means = cell_means(adata)
    names = sorted(n for n in means if "+" in n)
    shift = sc_c.tl.predict_clamps(adata, names).to_df("shift")
    for name in names:
        free = ~adata.var_names.isin(name.split("+"))
        observed = (means[name] - means["control"])[free]
        found = pairs.query("prediction == 'network' and combination == @name").iloc[0]
        np.testing.assert_allclose(found["r"], np.corrcoef(shift.loc[name][free], observed)[0, 1], atol=1e-6)
        np.testing.assert_allclose(found["mse"], np.mean((shift.loc[name][free] - observed) ** 2), rtol=1e-4)
        additive = sum(means[g] - means["control"] for g in name.split("+"))[free]
        null = pairs.query("prediction == 'additive' and combination == @name").iloc[0]
        np.testing.assert_allclose(null["mse"], np.mean((additive - observed) ** 2), rtol=1e-6)
    free = np.array([~adata.var_names.isin(n.split("+")) for n in names]).sum(1)
    mse = pairs.pivot(index="combination", columns="prediction", values="mse").loc[names].mul(free, axis=0).sum()
    strongest = adata.uns["clamp_evaluation"]["params"]["strongest"]
    assert strongest == mse[[n for n in mse.index if n.endswith("scaled")]].idxmin()
    skill = scores.query("metric == 'skill' and group == 'all'").set_index("prediction")["value"]
    np.testing.assert_allclose(skill, 1 - mse[skill.index] / mse[strongest], atol=1e-9)


def test_every_null_has_a_row_for_every_metric(adata):
    scores = sc_c.tl.evaluate(adata, **FAST)
    wide = scores.query("group == 'all'").pivot(index="prediction", columns="metric", values="n")
    assert {"no_change", "mean_response", "additive", "denoised_additive", "saturated_additive"} <= set(wide.index)
    metrics = ["r", "r_nonadditive", "projection", "top1", "top5", "mse", "r2", "skill", "gain_in_r"]
    assert wide.drop(["replicate", "truth"])[metrics].notna().all().all()
    assert wide.loc[["network", "replicate"], "interaction"].notna().all()


def test_no_change_scores_on_the_confounded_metric(adata):
    scores = sc_c.tl.evaluate(adata, **FAST).set_index(["prediction", "metric"])["value"]
    assert scores["no_change", "r_nonadditive"] > 0.2


def test_interactions_of_noise_free_halves_reach_one(adata):
    """Cells without noise: every cell is its condition's true mean, and halves agree."""
    states, names = adata.varm["true_states"].T, list(adata.uns["truth"]["conditions"])
    labels = adata.obs["perturbation"].astype(str)
    adata.X = states[[names.index(n) for n in labels]].astype(np.float32)
    scores = sc_c.tl.evaluate(adata, **FAST).set_index(["prediction", "metric"])["value"]
    np.testing.assert_allclose(scores["replicate", "interaction"], 1, atol=1e-3)
    np.testing.assert_allclose(scores["truth", "interaction"], 1, atol=1e-3)


def test_same_rng_same_verdict(adata):
    a, b, c = (sc_c.tl.evaluate(adata, rng=seed, **FAST) for seed in (1, 1, 2))
    assert a.equals(b)
    assert not a.equals(c)


def test_categories_from_a_column_and_from_a_mapping(adata):
    labels = adata.obs["perturbation"].astype(str)
    pairs = sorted(n for n in labels.unique() if "+" in n)
    kind = {name: "even" if i % 2 == 0 else "odd" for i, name in enumerate(pairs)}
    adata.obs["kind"] = labels.map(kind)
    by_column = sc_c.tl.evaluate(adata, categories="kind", **FAST)
    by_name = sc_c.tl.evaluate(adata, categories={"+".join(reversed(n.split("+"))): k for n, k in kind.items()}, **FAST)
    assert by_column.equals(by_name)
    n = by_column.query("prediction == 'network' and metric == 'r'").set_index("group")["n"]
    assert n["even"] + n["odd"] == n["all"] == len(pairs)


def test_chosen_conditions(adata):
    labels = adata.obs["perturbation"].astype(str)
    pairs = sorted(n for n in labels.unique() if "+" in n)[:3]
    scores = sc_c.tl.evaluate(adata, conditions=pairs, **FAST)
    assert scores.query("prediction == 'network' and metric == 'r'")["n"].item() == 3
    with pytest.raises(InputError, match=r"'NOPE\+REG01' cannot be judged"):
        sc_c.tl.evaluate(adata, conditions=["NOPE+REG01"], **FAST)


def test_a_screen_without_combinations_is_refused_and_left_alone(adata):
    singles = adata[~adata.obs["perturbation"].astype(str).str.contains("+", regex=False).to_numpy()].copy()
    before = set(singles.uns)
    with pytest.raises(InputError, match="holds 0 combinations"):
        sc_c.tl.evaluate(singles, **FAST)
    assert set(singles.uns) == before


def test_it_survives_a_file(adata, tmp_path):
    sc_c.tl.evaluate(adata, **FAST)
    adata.write_h5ad(tmp_path / "x.h5ad")
    back = ad.read_h5ad(tmp_path / "x.h5ad").uns["clamp_evaluation"]
    assert back["report"] == adata.uns["clamp_evaluation"]["report"]
    np.testing.assert_allclose(back["scores"]["value"], adata.uns["clamp_evaluation"]["scores"]["value"])


def test_norman(shared_data):
    """The bar: better than every scaled null on all pairs of the pseudobulk, in error and not worse in r."""
    adata = ad.read_h5ad(shared_data / "norman2019_pseudobulk" / "norman2019_pseudobulk.h5ad")
    with pytest.warns(UserWarning, match="validate"):
        sc_c.tl.fit(adata, unmeasured="latent", max_epochs=2)
    scores = sc_c.tl.evaluate(adata, categories="gi_category", n_bootstrap=500)
    all_ = scores.query("group == 'all'").set_index(["prediction", "metric"])["value"]
    assert all_["network", "skill"] > 0
    assert all_["network", "r"] > all_["denoised_additive", "r"]
    np.testing.assert_allclose(all_["additive", "r"], 0.684, atol=5e-4)
    report = adata.uns["clamp_evaluation"]["report"]
    assert "62 combinations" in report
    assert "Interactions cannot be judged apart" in report
