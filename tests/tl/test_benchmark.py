import dataclasses
from typing import ClassVar

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.stats

import scclamp as sc_c
from scclamp._errors import InputError, StorageError
from scclamp.conditions import Conditions
from scclamp.fitting import FitConfig
from scclamp.predictors import Additive, Clamp, LatentAdditive
from scclamp.tl._benchmark import NULLS
from scclamp.tl._benchmark_cells import SCORES
from scclamp.tl._benchmark_table import summarise


@pytest.fixture(scope="module")
def tiny():
    return sc_c.datasets.simulated("tiny")


@dataclasses.dataclass(kw_only=True, eq=False)
class Counting(Additive):
    """Counts its fits over all copies; fails where it is told to."""

    name = "counting"
    fail_at: int = 10**9
    fits: ClassVar[list] = []

    def fit(self, conditions, *, rng=None):
        if len(Counting.fits) >= self.fail_at:
            raise KeyboardInterrupt
        Counting.fits.append(rng)
        return super().fit(conditions, rng=rng)


@pytest.fixture
def counting():
    Counting.fits = []
    return Counting()


def test_scores_by_hand(tiny):
    """Additive on held-out pairs, from the cells."""
    adata = tiny.copy()
    sc_c.pp.split(adata, "additive")
    rows = sc_c.tl.benchmark(adata, "linear_pca", splits="split", per_target=True)
    own = rows[rows["predictor"] == "additive"].set_index("target")
    conditions = Conditions.from_anndata(adata, split_key="split")
    mean = dict(zip(conditions.names, conditions.train_mean, strict=True))
    c = mean["control"]
    X = adata.X.toarray() if hasattr(adata.X, "toarray") else np.asarray(adata.X)
    test = (adata.obs["split"] == "test").to_numpy()
    labels = adata.obs["perturbation"].astype(str).to_numpy()
    assert set(own.index) == set(labels[test])
    for name, row in own.iterrows():
        genes = name.split("+")
        free = ~adata.var_names.isin(genes)
        observed = X[test & (labels == name)].mean(0)[free]
        predicted = (sum(mean[g] for g in genes) - c)[free]
        np.testing.assert_allclose(row["mse"], ((predicted - observed) ** 2).mean(), rtol=1e-5)
        r = scipy.stats.pearsonr(predicted - c[free], observed - c[free]).statistic
        np.testing.assert_allclose(row["pearson_delta"], r, rtol=1e-5)


def test_table_is_the_mean_over_targets_and_the_skill_over_the_best_null(tiny):
    arguments = {"splits": {"half": {"kind": "combinations", "seen": 2, "test_fraction": 0.5}}, "seeds": [0, 1]}
    rows = sc_c.tl.benchmark(tiny, "linear_pca", per_target=True, **arguments)
    table = sc_c.tl.benchmark(tiny, "linear_pca", **arguments)
    assert set(table["predictor"]) == {"linear_pca", *NULLS}
    assert set(table["subgroup"]) == {"combo_seen2"}
    for (seed, name), own in rows.groupby(["seed", "predictor"]):
        (row,) = table[(table["seed"] == seed) & (table["predictor"] == name)].to_dict("records")
        assert row["n_targets"] == row["n_predicted"] == len(own)
        np.testing.assert_allclose(row["discrimination_score"], own["discrimination_score"].mean())
        errors = rows[rows["seed"] == seed].groupby("predictor")["mse"].sum()
        best = errors[list(NULLS)].idxmin()
        assert row["strongest_null"] == best
        np.testing.assert_allclose(row["skill"], 1 - errors[name] / errors[best])
        # Three targets are too few for an interval.
        assert np.isnan([row["skill_low"], row["skill_high"]]).all()
        assert np.isnan(row["pearson_delta"]) == (name == "no_change")


def test_interval_is_a_paired_bootstrap():
    """Against the generic bootstrap of the metrics; the strongest null is found anew in every resample."""
    rng = np.random.default_rng(0)
    errors = rng.gamma(2.0, size=(30, 3)) * [0.8, 1.0, 1.1]
    names = np.array(["own", "no_change", "additive"])
    rows = pd.DataFrame(
        {
            "split": "s",
            "seed": 0,
            "subgroup": "g",
            "predictor": np.repeat(names, 30),
            "target": np.tile(np.arange(30).astype(str), 3),
            "predicted": True,
            "seconds": 0.0,
            **dict.fromkeys(SCORES, 0.0),
            "mse": errors.T.ravel(),
        }
    )
    table = summarise(rows, ["no_change", "additive"]).set_index("predictor")
    expected = sc_c.metrics.bootstrap_ci(errors, lambda e: sc_c.metrics.skill(e[:, 0], e[:, 1:]), rng=1)
    found = table.loc["own", ["skill", "skill_low", "skill_high"]].astype(float)
    np.testing.assert_allclose(found, [expected["estimate"], expected["low"], expected["high"]], atol=0.02)
    strongest = table.loc["own", "strongest_null"]
    assert strongest == names[1:][errors[:, 1:].sum(0).argmin()]
    assert table.loc[strongest, "skill"] == table.loc[strongest, "skill_high"] == 0


@pytest.mark.parametrize("form", ["mudata", "backed", "view"])
def test_every_form_of_data(tiny, tmp_path, form):
    expected = sc_c.tl.benchmark(tiny, "additive").drop(columns="seconds")
    arguments = {}
    if form == "mudata":
        mudata = pytest.importorskip("mudata")
        data, arguments = mudata.MuData({"rna": tiny.copy()}), {"mod": "rna"}
    elif form == "backed":
        tiny.write_h5ad(tmp_path / "tiny.h5ad")
        data = ad.read_h5ad(tmp_path / "tiny.h5ad", backed="r")
    else:
        data = tiny[:]
    found = sc_c.tl.benchmark(data, "additive", **arguments).drop(columns="seconds")
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-6)
    predicted = sc_c.tl.baselines(data, predictors="additive", **arguments)
    whole = sc_c.tl.baselines(tiny, predictors="additive")
    np.testing.assert_allclose(predicted.layers["additive"], whole.layers["additive"], rtol=1e-6)
    np.testing.assert_allclose(predicted.layers["observed"], whole.layers["observed"], rtol=1e-6)


def test_what_cannot_be_predicted_is_counted_and_not_scored(tiny):
    table = sc_c.tl.benchmark(tiny, "linear_pca", splits="singles")
    additive = table.query("predictor == 'additive'")
    assert additive["n_predicted"].sum() == 0
    assert additive[["mse", "skill", "pearson_delta"]].isna().all(axis=None)
    linear = table.query("predictor == 'linear_pca'")
    assert (linear["n_predicted"] == linear["n_targets"]).all()
    assert set(linear["strongest_null"]) <= {"no_change", "mean_response"}
    assert set(table["subgroup"]) == {"unseen_single", "combo_seen1"}
    assert additive["note"].str.startswith("cannot predict genes without singles that train: 'REG").all()
    assert (linear["note"] == "").all()
    # What predicted none of the same targets is nobody's strongest null.
    assert set(table["strongest_null"]) <= {"", "no_change", "mean_response"}


def test_a_free_scale_that_was_asked_for_is_not_left_out_in_silence(tiny):
    table = sc_c.tl.benchmark(tiny, "scaled_additive").set_index("predictor")
    row = table.loc["scaled_additive"]
    assert (row["n_targets"], row["n_predicted"]) == (6, 0)
    assert row["note"].startswith("has no combinations that train to fit its free constant to: 'REG")
    assert "scaled_denoised_additive" not in table.index, "nobody asked for that null"


def test_what_a_class_lacks_to_be_a_predictor_is_named(tiny):
    class Half:
        name = "half"

        def fit(self, conditions, *, rng=None):
            return self

        def predict(self, targets):
            return []

    with pytest.raises(InputError) as error:
        sc_c.tl.benchmark(tiny, Half())
    said = str(error.value)
    assert "it lacks the method `def lacks(self, target): return ()`" in said
    assert "def fit" not in said
    Half.lacks = ()  # no method
    with pytest.raises(InputError, match="the method `def lacks"):
        sc_c.tl.benchmark(tiny, Half())


class Failing(Additive):
    """Has no finite state for one of the targets."""

    name = "failing"

    def predict(self, targets):
        found = super().predict(targets)
        found[0] = np.inf
        return found


def test_a_prediction_that_is_not_finite_has_no_score(tiny):
    """Left out of the sums its error would count as zero, and the rest would look better than the nulls."""
    table = sc_c.tl.benchmark(tiny, Failing(), splits="additive").set_index("predictor")
    scores = [*SCORES, "skill", "skill_low", "skill_high"]
    assert table.loc["failing", scores].isna().all()
    assert table.loc["additive", scores].notna().all()
    assert table.loc["failing", "n_predicted"] == 6


def test_cells_split_judges_on_validation_cells(tiny):
    adata = tiny.copy()
    sc_c.pp.split(adata, "cells", rng=0)
    rows = sc_c.tl.benchmark(adata, "linear_pca", splits="cells", per_target=True)
    assert set(rows["subgroup"]) == {"seen_single", "seen_combo"}
    own = rows.query("predictor == 'additive'").set_index("target")
    conditions = Conditions.from_anndata(adata, split_key="split")
    at = conditions.names.index("REG03")
    error = (conditions.train_mean[at] - conditions.val_mean[at])[~adata.var_names.isin(["REG03"])]
    np.testing.assert_allclose(own.loc["REG03", "mse"], (error**2).mean(), rtol=1e-5)


def test_a_held_out_context_is_compared_with_its_own_controls(tiny):
    adata = tiny.copy()
    adata.obs["line"] = np.where(np.arange(adata.n_obs) % 2, "K562", "RPE1")
    X = adata.X.toarray() if hasattr(adata.X, "toarray") else np.asarray(adata.X)
    # A line that differs by a constant from the other is predicted as well as the other.
    adata.X = np.asarray(X + (adata.obs["line"] == "RPE1").to_numpy()[:, None] * 2.0)
    splits = {"line": {"kind": "context", "context_key": "line", "context": "RPE1"}}
    shifted = sc_c.tl.benchmark(adata, "additive", splits=splits)
    adata.X = X
    plain = sc_c.tl.benchmark(adata, "additive", splits=splits)
    columns = ["predictor", "subgroup", "n_targets", "mse", "pearson_delta"]
    pd.testing.assert_frame_equal(shifted[columns], plain[columns], check_exact=False, rtol=1e-3)


def test_network_beside_its_nulls(tiny):
    predictors = {"ours": Clamp(config=FitConfig(max_epochs=10)), "paper": Clamp(config=FitConfig.paper(max_epochs=10))}
    table = sc_c.tl.benchmark(tiny, predictors, seeds=[3])
    assert table["predictor"].tolist()[:2] == ["ours", "paper"]
    assert table.query("predictor == 'ours'")["skill"].item() > table.query("predictor == 'paper'")["skill"].item()
    strongest = table["strongest_null"].iloc[0]
    assert table.loc[table["predictor"] == strongest, "skill"].item() == 0


def test_knocked_out_genes_are_held_at_zero(tiny):
    adata = tiny.copy()
    sc_c.pp.split(adata, "additive")
    network = Clamp(config=FitConfig(max_epochs=3))
    rows = {
        held: sc_c.tl.benchmark(adata, network, splits="split", per_target=True, clamp_values=held)
        for held in ("singles", "knockout")
    }
    null = {held: each[each["predictor"] == "additive"] for held, each in rows.items()}
    np.testing.assert_array_equal(null["knockout"]["mse"], null["singles"]["mse"])
    found = rows["knockout"].query("predictor == 'clamp'").set_index("target")
    assert (found["mse"] != rows["singles"].query("predictor == 'clamp'").set_index("target")["mse"]).all()
    labels = adata.obs["perturbation"].astype(str)
    conditions = Conditions.from_anndata(adata, split_key="split", clamp_values="knockout")
    network.fit(conditions, rng=0)
    X = adata.X.toarray()
    for name, row in found.iterrows():
        genes = name.split("+")
        predicted = network.predict([tuple(genes)])[0]
        kept = ~adata.var_names.isin(genes)
        error = predicted - X[(labels == name) & (adata.obs["split"] == "test")].mean(0)
        assert row["mse"] == pytest.approx(np.mean(error[kept] ** 2), rel=1e-4)


def test_interrupted_benchmark_goes_on_where_it_was(tiny, tmp_path, counting):
    arguments = {"splits": ["additive", "combinations"], "seeds": [0, 1]}
    whole = sc_c.tl.benchmark(tiny, counting, **arguments)
    assert Counting.fits == [0, 1, 0, 1]
    Counting.fits = []
    with pytest.raises(KeyboardInterrupt):
        sc_c.tl.benchmark(tiny, Counting(fail_at=2), checkpoint=tmp_path, **arguments)
    with pytest.raises(KeyboardInterrupt):
        sc_c.tl.benchmark(tiny, Counting(fail_at=2), checkpoint=tmp_path, **arguments)
    assert Counting.fits == [0, 1]
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    resumed = sc_c.tl.benchmark(tiny, {"counting": Counting()}, checkpoint=tmp_path, **arguments)
    again = sc_c.tl.benchmark(tiny, {"counting": Counting()}, checkpoint=tmp_path, **arguments)
    assert len(Counting.fits) == 2 + 4  # other settings are another predictor
    assert all(path.stat().st_mtime_ns == at for path, at in done.items())
    pd.testing.assert_frame_equal(resumed, again)
    pd.testing.assert_frame_equal(resumed.drop(columns="seconds"), whole.drop(columns="seconds"))


def test_other_data_are_computed_anew(tiny, tmp_path, counting):
    sc_c.tl.benchmark(tiny, counting, checkpoint=tmp_path)
    adata = tiny.copy()
    adata.X = adata.X * 1.5
    other = sc_c.tl.benchmark(adata, counting, checkpoint=tmp_path)
    assert len(Counting.fits) == 2
    expected = sc_c.tl.benchmark(adata, counting)
    pd.testing.assert_frame_equal(other.drop(columns="seconds"), expected.drop(columns="seconds"))


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[:-10], lambda b: b.replace(b'"mse":[', b'"mse":[1'), lambda b: b"\xff"],
    ids=["truncated", "changed", "binary"],
)
def test_damaged_cells_are_named(tiny, tmp_path, damage):
    sc_c.tl.benchmark(tiny, "additive", checkpoint=tmp_path)
    for path in tmp_path.glob("*.json"):
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StorageError, match=r"is damaged.*Delete it"):
        sc_c.tl.benchmark(tiny, "additive", checkpoint=tmp_path)


def test_nothing_of_the_user_changes(tiny, untouched_rng):
    before = tiny.copy()
    predictor = LatentAdditive(epochs=2)
    first = sc_c.tl.benchmark(tiny, predictor, seeds=1)
    second = sc_c.tl.benchmark(tiny, predictor, seeds=1)
    pd.testing.assert_frame_equal(first.drop(columns="seconds"), second.drop(columns="seconds"))
    assert predictor.training_ is None
    pd.testing.assert_frame_equal(tiny.obs, before.obs)
    assert set(tiny.uns) == set(before.uns)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"splits": "additve"}, "'additve' is neither a column of obs nor a kind of pp.split. Did you mean 'additive'"),
        ({"splits": []}, "splits is empty"),
        ({"splits": {"a": {"test_fraction": 0.5}}}, "must be a dict of arguments of pp.split with its kind"),
        ({"splits": {"a": {"kind": "additive", "rng": 0}}}, "sets 'rng', which the benchmark sets itself"),
        ({"splits": {"a": {"kind": "additive", "seen": 1}}}, "seen= is not used by kind='additive'"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [-1]}, "seeds=[-1] must be whole numbers"),
        ({"seeds": 1.5}, "seeds=1.5 must be whole numbers"),
        ({"seeds": None}, "seeds=None must be whole numbers"),
        ({"seeds": "12"}, "seeds='12' must be whole numbers"),
        ({"seeds": True}, "seeds=True must be whole numbers"),
        ({"predictors": {"additive": LatentAdditive()}}, "names 'additive', which is a null"),
    ],
)
def test_mistakes_are_explained(tiny, arguments, message):
    with pytest.raises(InputError) as error:
        sc_c.tl.benchmark(tiny, **({"predictors": "additive"} | arguments))
    assert message in str(error.value)


def test_a_column_that_tests_nothing_is_refused(tiny):
    adata = tiny.copy()
    adata.obs["role"] = "train"
    with pytest.raises(InputError, match="leaves nothing perturbed to test"):
        sc_c.tl.benchmark(adata, "additive", splits="role")
    adata.obs["role"] = "test"
    with pytest.raises(InputError, match="leaves no control"):
        sc_c.tl.benchmark(adata, "additive", splits="role")


def test_predictors_without_settings_cannot_be_resumed(tiny, tmp_path):
    class Plain:
        name = "plain"

        def fit(self, conditions, *, rng=None):
            self.control = conditions.train_mean[0]
            return self

        def predict(self, targets):
            return np.tile(self.control, (len(targets), 1))

        def lacks(self, target):
            return ()

    table = sc_c.tl.benchmark(tiny, Plain())
    plain, no_change = (table.loc[table["predictor"] == n, "mse"].item() for n in ("plain", "no_change"))
    assert plain == no_change
    with pytest.raises(InputError, match="does not say what its settings are"):
        sc_c.tl.benchmark(tiny, Plain(), checkpoint=tmp_path)
    Plain.predict = lambda self, targets: self.control
    with pytest.raises(InputError, match="predicted an array of shape"):
        sc_c.tl.benchmark(tiny, Plain())


def test_norman_halves(shared_data):
    """On half of the doubles, the scaled and shrunken sum is the strongest of the sums; 31 choose, 31 are judged."""
    path = shared_data / "norman2019_pseudobulk" / "norman2019_pseudobulk.h5ad"
    if not path.exists():
        pytest.skip(f"no {path}")
    adata = ad.read_h5ad(path)
    splits = {"half": {"kind": "combinations", "seen": 2, "test_fraction": 0.5}}
    table = sc_c.tl.benchmark(adata, "linear_pca", splits=splits, unmeasured="latent")
    by = table.query("subgroup == 'combo_seen2'").set_index("predictor")
    assert (
        by.loc["scaled_denoised_additive", "skill"]
        >= by.loc["denoised_additive", "skill"]
        > by.loc["additive", "skill"]
    )
    assert by.loc["linear_pca", "skill"] < 0
