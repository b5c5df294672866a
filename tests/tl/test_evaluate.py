import dataclasses
import json
import re

import anndata as ad
import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp._storage import decode
from scclamp.fitting import FitConfig
from scclamp.predictors import Clamp
from scclamp.tl._doses import usual_doses
from scclamp.tl._evaluation_text import describe
from scclamp.tl._judged import Judged

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
    assert strongest == mse.drop(["network", "network, steady state"]).idxmin()
    skill = scores.query("metric == 'skill' and group == 'all'").set_index("prediction")["value"]
    np.testing.assert_allclose(skill, 1 - mse[skill.index] / mse[strongest], atol=1e-9)


def test_every_null_has_a_row_for_every_metric(adata):
    scores = sc_c.tl.evaluate(adata, **FAST)
    wide = scores.query("group == 'all'").pivot(index="prediction", columns="metric", values="n")
    assert {"no_change", "mean_response", "additive", "denoised_additive", "saturated_additive"} <= set(wide.index)
    metrics = ["r", "rho_nonadd", "projection", "top1", "top5", "mse", "r2", "skill", "gain_in_r"]
    assert wide.drop(["replicate", "truth"])[metrics].notna().all().all()
    assert wide.loc[["network", "replicate"], "interaction"].notna().all()


def test_no_change_scores_on_the_confounded_metric(adata):
    scores = sc_c.tl.evaluate(adata, **FAST).set_index(["prediction", "metric"])["value"]
    assert scores["no_change", "rho_nonadd"] > 0.2


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
    with pytest.raises(InputError, match=rf"conditions=\['{re.escape(pairs[0])}'\] is one combination.* at least 2"):
        sc_c.tl.evaluate(adata, conditions=pairs[0], **FAST)


def test_what_keeps_a_combination_from_being_judged_is_named(adata):
    labels = adata.obs["perturbation"].astype(str)
    pairs = [n for n in sorted(labels.unique()) if "REG01" in n and "+" in n]
    with pytest.raises(InputError, match=r"'NOPE\+REG01' cannot be judged: it has no cells in adata"):
        sc_c.tl.evaluate(adata, conditions=["NOPE+REG01"], **FAST)
    with pytest.raises(InputError, match="'REG03' cannot be judged: it is no combination"):
        sc_c.tl.evaluate(adata, conditions=["REG03", *pairs], **FAST)
    with pytest.raises(InputError, match="it holds 'REG01', which no cells have perturbed alone"):
        sc_c.tl.evaluate(adata[labels != "REG01"].copy(), conditions=pairs, **FAST)
    few = adata[~labels.isin(["REG01", "REG02", "REG03", "REG04"])].copy()
    with pytest.raises(InputError, match=r"6 combinations of which 1 can be judged.*'REG01\+REG05' holds 'REG01'"):
        sc_c.tl.evaluate(few, **FAST)
    with pytest.raises(InputError, match="holds 'REG01', 'REG05', of which the fit has no column"):
        Judged.of(sc_c.Conditions.from_anndata(adata, train_fraction=0.5), pairs, ["REG02"])


def test_a_screen_without_combinations_is_refused_and_left_alone(adata):
    singles = adata[~adata.obs["perturbation"].astype(str).str.contains("+", regex=False).to_numpy()].copy()
    before = set(singles.uns)
    with pytest.raises(InputError, match=r"No combinations were measured.*benchmark\(adata, splits='low_sample'\)"):
        sc_c.tl.evaluate(singles, **FAST)
    assert set(singles.uns) == before


def test_it_survives_a_file(adata, tmp_path):
    sc_c.tl.evaluate(adata, **FAST)
    adata.write_h5ad(tmp_path / "x.h5ad")
    back = ad.read_h5ad(tmp_path / "x.h5ad").uns["clamp_evaluation"]
    assert back["report"] == adata.uns["clamp_evaluation"]["report"]
    np.testing.assert_allclose(back["scores"]["value"], adata.uns["clamp_evaluation"]["scores"]["value"])


def test_without_interactions_nothing_is_earned_by_having_seen_the_cells():
    """Expression that adds up exactly, and noise: a network that knew the noise of the singles would score 0.2 to 0.3."""
    adata = sc_c.datasets.simulated("tiny")
    labels, states = adata.obs["perturbation"].astype(str), adata.varm["true_states"].T
    row = {name: i for i, name in enumerate(adata.uns["truth"]["conditions"])}
    control = states[row["control"]]
    mean = {n: control + sum(states[row[g]] - control for g in n.split("+") if g != "control") for n in labels.unique()}
    expected, found = np.stack([mean[n] for n in labels]) + 3, []
    for seed in range(2):
        noise = expected.std() * np.random.default_rng(seed).standard_normal(expected.shape)
        noisy = adata.copy()
        noisy.X = np.maximum(expected + noise, 0).astype(np.float32)
        sc_c.tl.fit(noisy, max_epochs=100, rng=seed)
        scores = sc_c.tl.evaluate(noisy, rng=seed, **FAST).set_index(["prediction", "metric"])["value"]
        found += [scores[name, "interaction"] for name in ("network", "network, steady state")]
    assert np.mean(found) < 0.1


def test_interaction_of_the_network_is_that_of_fits_to_halves(adata):
    """By hand: conditions read with the same split, one fit on each half, the other half's residual."""
    scores = sc_c.tl.evaluate(adata, rng=5, **FAST).set_index(["prediction", "metric"])["value"]
    without = sc_c.tl.evaluate(adata, rng=5, refit=False, **FAST)
    assert "network" not in set(without.query("metric == 'interaction'")["prediction"])
    assert "cannot be judged here" in adata.uns["clamp_evaluation"]["report"]
    rng = np.random.default_rng(5)
    both = sc_c.Conditions.from_anndata(adata, train_fraction=0.5, rng=rng)
    combos = np.flatnonzero(both.combos)
    rng.random((100, len(combos)))
    for _ in range(5):
        rng.permutation(np.arange(len(combos)) % 5)
    seed = int(rng.integers(2**32))
    config = FitConfig(**json.loads(adata.uns["clamp"]["params"])["config"])
    doses = usual_doses(decode(adata, "clamp"))
    held = np.where(both.clamp_mask, doses, 0.0)
    at = {t: i for i, t in enumerate(both.targets)}
    made, seen = [], []
    for means in (both.train_mean, both.val_mean):
        half = dataclasses.replace(
            both,
            train_mean=means,
            val_mean=np.full_like(means, np.nan),
            val_n=0 * both.val_n,
            clamp_values=held,
            usual_values=held,
        )
        fitted = Clamp(config=config).fit(half, rng=seed)
        shift = {t: fitted.predict([t])[0] - means[0] for t in both.targets}
        made.append([shift[both.targets[i]] - sum(shift[g,] for g in both.targets[i]) for i in combos])
        seen.append([means[i] - means[0] - sum(means[at[g,]] - means[0] for g in both.targets[i]) for i in combos])
    values = []
    for k, i in enumerate(combos):
        free = ~np.isin(both.genes, both.targets[i])
        values += [np.corrcoef(made[h][k][free], seen[1 - h][k][free])[0, 1] for h in (0, 1)]
    np.testing.assert_allclose(scores["network", "interaction"], np.mean(values), atol=1e-4)


def test_a_plain_null_that_beats_the_scaled_ones_is_the_one_to_beat(adata):
    """Every other pair does the opposite of the sum: a scale learned from others misleads, and no change is best."""
    labels = adata.obs["perturbation"].astype(str)
    rng = np.random.default_rng(0)
    genes = sorted({g for n in labels.unique() for g in n.split("+")} - {"control"})
    shift = dict(
        zip(genes, rng.standard_normal((len(genes), adata.n_vars)), strict=True), control=np.zeros(adata.n_vars)
    )
    sign = {n: 1 - 2 * (i % 2) for i, n in enumerate(sorted(n for n in labels.unique() if "+" in n))}
    X = 8 + np.stack([sign.get(n, 1) * sum(shift[g] for g in n.split("+")) for n in labels])
    adata.X = np.maximum(X, 0).astype(np.float32)
    scores = sc_c.tl.evaluate(adata, refit=False, **FAST)
    errors = adata.uns["clamp_evaluation"]["pairs"].groupby("prediction")["mse"].sum()
    scaled = [n for n in errors.index if n.endswith("scaled") and not n.startswith("network")]
    assert errors["no_change"] < errors[scaled].min()
    assert adata.uns["clamp_evaluation"]["params"]["strongest_without_network"] == "no_change"
    skill = scores.query("metric == 'skill_without_network'").set_index("prediction")["value"]
    assert skill["no_change"] == 0
    assert skill[scaled].max() < 0


def test_nothing_that_moves_is_judged_without_a_crash(adata):
    adata.X = np.full(adata.shape, 1.5, np.float32)
    scores = sc_c.tl.evaluate(adata, refit=False, **FAST).set_index(["prediction", "metric"])["value"]
    assert np.isnan(scores["no_change", "skill"])


def test_the_report_says_that_combinations_share_genes(adata):
    pairs = sorted(n for n in adata.obs["perturbation"].astype(str).unique() if "+" in n)
    genes = {g for n in pairs for g in n.split("+")}
    sc_c.tl.evaluate(adata, refit=False, **FAST)
    assert f"{len(pairs)} combinations share {len(genes)} genes" in adata.uns["clamp_evaluation"]["report"]
    apart = next([a, b] for a in pairs for b in pairs if not set(a.split("+")) & set(b.split("+")))
    sc_c.tl.evaluate(adata, conditions=apart, refit=False, **FAST)
    assert "share" not in adata.uns["clamp_evaluation"]["report"].splitlines()[-1]


def test_the_report_shows_every_group(adata):
    pairs = sorted(n for n in adata.obs["perturbation"].astype(str).unique() if "+" in n)
    kind = {name: "synergy" if i % 2 else "epistasis" for i, name in enumerate(pairs)}
    scores = sc_c.tl.evaluate(adata, categories=kind, refit=False, **FAST)
    lines = adata.uns["clamp_evaluation"]["report"].splitlines()
    at = next(i for i, line in enumerate(lines) if "in each group" in line)
    assert [line.split()[0] for line in lines[at + 2 : at + 4]] == ["epistasis", "synergy"]
    own = scores.query("prediction == 'network' and group == 'synergy'").set_index("metric")["value"]
    shown = [f"{own[name]:.3f}" for name in ("r", "rho_nonadd", "gain_in_r", "skill")]
    assert lines[at + 3].split()[1:] == ["3", *shown], "no interval for fewer than five"
    sc_c.tl.evaluate(adata, refit=False, **FAST)
    assert "in each group" not in adata.uns["clamp_evaluation"]["report"]


def test_the_report_reads_well(adata):
    """One headline for one null, two for two; words instead of identifiers; nothing at the end of lines."""
    scores = sc_c.tl.evaluate(adata, refit=False, **FAST)
    record = adata.uns["clamp_evaluation"]
    judged = Judged.of(sc_c.Conditions.from_anndata(adata, train_fraction=0.5), None, decode(adata, "clamp").regulators)
    one = record["params"] | {"strongest": "no_change", "strongest_without_network": "no_change"}
    two = record["params"] | {"strongest": "network's singles added", "strongest_without_network": "denoised_additive"}
    for params, n in ((one, 1), (two, 2)):
        told = describe(scores, params, judged)
        assert told.count("The network cannot be told from the strongest null") == n
    assert "(no change):" in describe(scores, one, judged)
    report = record["report"]
    assert "what a perfect prediction would reach" in report.partition("\n  perfect prediction (truth): ")[2]
    assert report.splitlines()[0] == "Verdict on 6 combinations, each of 2 genes"
    assert all(line == line.rstrip() for line in report.splitlines())
    assert "no_change" not in report
    assert "no change" in report
    assert "[-, -]" not in report


def test_order_and_repetition_of_conditions_change_nothing(adata):
    pairs = sorted(n for n in adata.obs["perturbation"].astype(str).unique() if "+" in n)[:5]
    plain = sc_c.tl.evaluate(adata, conditions=pairs, refit=False, **FAST)
    other = ["+".join(reversed(n.split("+"))) for n in pairs]
    assert plain.equals(sc_c.tl.evaluate(adata, conditions=[*other, *pairs], refit=False, **FAST))


def test_groups_that_are_numbers_have_their_own_strongest_null(adata):
    pairs = sorted(n for n in adata.obs["perturbation"].astype(str).unique() if "+" in n)
    kind = {name: i % 2 for i, name in enumerate(pairs)}
    scores = sc_c.tl.evaluate(adata, categories=kind, refit=False, **FAST)
    errors = adata.uns["clamp_evaluation"]["pairs"]
    n_free = adata.n_vars - 2
    for group in (0, 1):
        total = errors[errors["combination"].map(kind) == group].groupby("prediction")["mse"].sum() * n_free
        best = total.drop(["network", "network, steady state"]).min()
        skill = scores.query(f"metric == 'skill' and group == '{group}'").set_index("prediction")["value"]
        np.testing.assert_allclose(skill, 1 - total[skill.index] / best, atol=1e-9)


def test_groups_that_say_nothing_or_too_much_are_refused(adata):
    labels = adata.obs["perturbation"].astype(str)
    pair = next(n for n in labels.unique() if "+" in n)
    with pytest.raises(InputError, match="groups none of them"):
        sc_c.tl.evaluate(adata, categories={"REG01": "x"}, **FAST)
    with pytest.raises(InputError, match="names the group 'all'"):
        sc_c.tl.evaluate(adata, categories={pair: "all"}, **FAST)
    adata.obs["mixed"] = np.where(np.arange(adata.n_obs) % 2, "x", "y")
    with pytest.raises(InputError, match="several groups of"):
        sc_c.tl.evaluate(adata, categories="mixed", **FAST)
    assert "clamp_evaluation" not in adata.uns


@pytest.mark.parametrize("key_added", ["clamp", "clamp_enrichment", "a/b", ""])
def test_a_verdict_does_not_replace_the_fit(adata, key_added):
    with pytest.raises(InputError, match="key_added="):
        sc_c.tl.evaluate(adata, key_added=key_added, **FAST)
    sc_c.get.adjacency(adata)


def test_a_null_that_failed_is_no_measure(adata, monkeypatch):
    from scclamp.tl import _evaluate

    def broken(*args):
        found = predict(*args)
        found[_evaluate.SINGLES][0] = np.nan
        return found

    predict = _evaluate._predict
    monkeypatch.setattr(_evaluate, "_predict", broken)
    scores = sc_c.tl.evaluate(adata, refit=False, **FAST).set_index(["prediction", "metric"])
    assert np.isfinite(scores.loc[("network", "skill"), "value"])
    assert np.isnan(scores.loc[(_evaluate.SINGLES, "skill"), "value"])
    assert scores.loc[(_evaluate.SINGLES, "r"), "n"] == scores.loc[("network", "r"), "n"] - 1


def told(scores, record, judged, **skill):
    """The report, were skills of the network (over both nulls) and of its steady state others."""
    changed = scores.copy()
    for suffix in ("", "_without_network"):
        for name, interval in (("network", skill["law"]), ("network, steady state", skill["steady"])):
            rows = (changed["prediction"] == name) & (changed["metric"] == f"skill{suffix}")
            changed.loc[rows, ["value", "low", "high"]] = interval
    return describe(changed, record["params"], judged)


def test_the_report_says_what_the_law_of_combinations_does(adata):
    scores = sc_c.tl.evaluate(adata, refit=False, **FAST)
    record = adata.uns["clamp_evaluation"]
    judged = Judged.of(sc_c.Conditions.from_anndata(adata, train_fraction=0.5), None, decode(adata, "clamp").regulators)
    assert (record["params"]["crowding"], record["params"]["interaction"]) == (0.4, 0.5)
    worse, unsure, better = (-0.09, -0.18, -0.02), (0.02, -0.01, 0.05), (0.04, 0.01, 0.08)
    turned = told(scores, record, judged, law=worse, steady=better)
    assert "(crowding=0.4, interaction=0.5;" in turned
    assert "costs skill here" in turned
    assert (
        "-0.090 [-0.180, -0.020] with it, 0.040 [0.010, 0.080] with the plain steady state "
        "(combination='steady_state', or --steady-state), which is better than the strongest null of all." in turned
    )
    assert "choose on the test" in turned
    gained = told(scores, record, judged, law=better, steady=unsure)
    assert "gains skill here" in gained
    assert "which cannot be told from the strongest null of all" in gained
    same = told(scores, record, judged, law=better, steady=(0.03, 0.01, 0.05))
    assert "gains skill" in same
    assert "(combination='steady_state', or --steady-state).\n" in same
    assert "law of combinations" not in told(scores, record, judged, law=better, steady=better)
    sc_c.tl.evaluate(adata, combination="steady_state", refit=False, **FAST)
    plain = adata.uns["clamp_evaluation"]["report"]
    assert "without the law of combinations" in plain
    assert "choose on the test" in plain


def test_a_fit_without_a_law_has_no_word_of_it():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=5, crowding=0.0, interaction=1.0)
    sc_c.tl.evaluate(adata, refit=False, **FAST)
    assert "law of combinations" not in adata.uns["clamp_evaluation"]["report"]


def test_combinations_that_are_not_judged_are_named(adata, tmp_path):
    labels = adata.obs["perturbation"].astype(str)
    pairs = sorted(n for n in labels.unique() if "+" in n)
    lost = [n for n in pairs if "REG01" in n]
    some = adata[labels != "REG01"].copy()
    sc_c.tl.evaluate(some, refit=False, **FAST)
    record = some.uns["clamp_evaluation"]
    assert record["params"]["left_out"].tolist() == lost
    assert f"Not judged: {len(lost)} of {len(pairs)} measured combinations.\n" in record["report"]
    for name in lost:
        assert f"  {name}: holds 'REG01', which no cells have perturbed alone" in record["report"]
    for judged in (adata, some):
        chosen = [n for n in pairs if n not in lost]
        sc_c.tl.evaluate(judged, conditions=chosen, refit=False, **FAST)
        record = judged.uns["clamp_evaluation"]
        assert "Not judged" not in record["report"], "others were left out by choice"
        assert record["params"]["left_out"].size == 0
        for suffix, read in (("h5ad", ad.read_h5ad), ("zarr", ad.read_zarr)):
            getattr(judged, f"write_{suffix}")(tmp_path / f"x.{suffix}")
            assert read(tmp_path / f"x.{suffix}").uns["clamp_evaluation"]["params"]["left_out"].size == 0


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
    assert len(adata.uns["clamp_evaluation"]["params"]["left_out"]) == 2
    report = adata.uns["clamp_evaluation"]["report"]
    assert "Not judged: 2 of 64 measured" in report
    assert "62 combinations" in report
    assert "Interactions cannot be judged apart" in report
