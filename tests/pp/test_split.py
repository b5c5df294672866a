"""Splits against what their definitions demand, counted from the written column alone."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scclamp import Conditions
from scclamp._errors import InputError, InputWarning
from scclamp.pp import perturbations, split
from scclamp.tl import fit

SINGLES = [f"G{i}" for i in range(10)]
PAIRS = ["G0+G1", "G0+G2", "G1+G2", "G3+G4", "G5+G6", "G7+G8", "G8+G9", "G1+G9", "G2+G5", "G4+G6", "G0+H", "G0+G1+G2"]


def screen(n=10, conditions=(*SINGLES, *PAIRS), genes=SINGLES, n_control=20):
    labels = ["control"] * n_control + [name for name in conditions for _ in range(n)]
    obs = pd.DataFrame({"perturbation": labels}, index=[f"c{i}" for i in range(len(labels))])
    X = np.random.default_rng(0).uniform(0.1, 2.0, (len(labels), len(genes))).astype(np.float32)
    return ad.AnnData(X, obs=obs, var=pd.DataFrame(index=list(genes)))


def counts(adata, key="split"):
    """Cells of each role by condition, from the column itself."""
    table = pd.crosstab(adata.obs["perturbation"].astype(str), adata.obs[key].astype(str))
    return table.reindex(columns=["train", "val", "test"], fill_value=0)


def whole_tests(adata):
    table = counts(adata)
    return set(table.index[(table["test"] > 0) & (table["train"] + table["val"] == 0)])


def trained(adata):
    table = counts(adata)
    return set(table.index[table["train"] > 0])


def require_sound(adata):
    """What holds for every kind that holds out conditions: 80 to 20 within those that train, and a true record."""
    table = counts(adata)
    held = table.index[table["train"] == 0]
    assert (
        table.drop(index=held)[["val"]].to_numpy()
        == np.rint(0.2 * table.drop(index=held).sum(axis=1)).to_numpy()[:, None]
    ).all()
    record = adata.uns["split"]["conditions"]
    np.testing.assert_array_equal(record.loc[table.index, ["n_train", "n_val", "n_test"]], table)
    genes = {c for c in trained(adata) if "+" not in c}
    for name in whole_tests(adata):
        parts = set(name.split("+"))
        expected = f"combo_seen{len(parts & genes)}" if len(parts) > 1 else "unseen_single"
        assert record.loc[name, "subgroup"] == expected


def test_cells():
    adata = screen()
    split(adata, "cells", rng=1)
    assert (counts(adata).drop(index="control").to_numpy() == [8, 2, 0]).all()
    assert counts(adata).loc["control"].tolist() == [16, 4, 0]
    assert list(adata.obs["split"].cat.categories) == ["train", "val", "test"]
    split(adata, train_fraction=1, key_added="all")
    assert set(adata.obs["all"]) == {"train"}


def test_singles():
    adata = screen()
    split(adata, "singles", test_fraction=0.3, rng=0)
    require_sound(adata)
    held = {name for name in whole_tests(adata) if "+" not in name}
    assert len(held) == 3
    assert whole_tests(adata) == {name for name in [*SINGLES, *PAIRS] if held & set(name.split("+"))}
    split(adata, "singles", test=["G3"], val_fraction=0.1)
    assert {"G3", "G3+G4"} <= whole_tests(adata)
    assert len({n for n in trained(adata) if "+" not in n} - {"control"}) == 8


def test_additive():
    adata = screen()
    split(adata, "additive")
    require_sound(adata)
    assert whole_tests(adata) == set(PAIRS)
    assert adata.uns["split"]["conditions"].loc["G0+H", "subgroup"] == "combo_seen1"
    assert adata.uns["split"]["conditions"].loc["G0+G1+G2", "subgroup"] == "combo_seen3"
    # The share of scBIG's table: some combinations train, some validate, some test.
    split(adata, "additive", test_fraction=0.25, val_fraction=0.25)
    table = counts(adata).loc[[p for p in PAIRS if p != "G0+H"]]
    assert ((table["test"] == 10).sum(), (table["val"] == 10).sum(), (table["train"] > 0).sum()) == (3, 3, 5)


@pytest.mark.parametrize("rng", range(5))
def test_combinations_by_seen_genes(rng):
    adata = screen()
    split(adata, "combinations", test_fraction=0.3, rng=rng)
    require_sound(adata)
    groups = set(adata.uns["split"]["conditions"]["subgroup"])
    assert {"unseen_single", "combo_seen0", "combo_seen1", "combo_seen2"} <= groups
    held = {n for n in whole_tests(adata) if "+" not in n}
    assert all(not held & set(name.split("+")) for name in trained(adata))


def test_combinations_of_seen_genes_alone():
    adata = screen(conditions=[*SINGLES, *[p for p in PAIRS if p.count("+") == 1]])
    split(adata, "combinations", seen=2, test_fraction=0.2)
    require_sound(adata)
    assert len(whole_tests(adata)) == 2
    assert set(SINGLES) <= trained(adata)


@pytest.mark.parametrize("rng", range(5))
def test_holdout_of_genes(rng):
    adata = screen()
    split(adata, "holdout", test_fraction=0.25, rng=rng)
    require_sound(adata)
    in_training = {gene for name in trained(adata) for gene in name.split("+")}
    groups = adata.uns["split"]["conditions"]["subgroup"]
    unseen = set(groups.index[groups.isin(["unseen_single", "combo_seen0"])])
    assert all(not in_training & set(name.split("+")) for name in unseen)
    assert {"unseen_single", "combo_seen0"} <= set(groups)


def test_holdout_of_combinations():
    adata = screen()
    split(adata, "holdout", of="combinations", test_fraction=0.2)
    require_sound(adata)
    assert len(whole_tests(adata)) == 2
    split(adata, "holdout", of="combinations", test=["G1+G0"])
    assert whole_tests(adata) == {"G0+G1"}


def test_low_sample():
    adata = screen()
    split(adata, "low_sample", n_cells=3, test_fraction=0.5)
    table = counts(adata).drop(index="control")
    few = table[table["test"] > 0]
    assert len(few) == 11
    assert (few.to_numpy() == [3, 0, 7]).all()
    assert (table.drop(index=few.index).to_numpy() == [8, 2, 0]).all()
    split(adata, "low_sample", test_fraction=1)
    assert (counts(adata).drop(index="control").to_numpy() == [5, 0, 5]).all()
    with pytest.raises(InputError, match="conditions with more than n_cells=10 cells"):
        split(adata, "low_sample", n_cells=10)


def test_context():
    adata = screen(n=12, n_control=24)
    adata.obs["line"] = np.resize(["K562", "RPE1", "Jurkat"], adata.n_obs)
    split(adata, "context", context_key="line", context="RPE1")
    here = adata.obs["line"] == "RPE1"
    assert set(adata.obs["split"][here]) == {"test"}
    assert set(adata.obs["split"][~here]) == {"train", "val"}
    assert set(adata.uns["split"]["conditions"]["subgroup"]) == {"", "seen_elsewhere"}
    # Each line keeps its own 80 to 20.
    others = adata.obs[~here].groupby(["line", "perturbation"])["split"].agg(lambda s: (s == "val").sum())
    assert set(others) == {1, 2}
    with pytest.raises(InputError, match=r"context='K56' does not occur.*Did you mean 'K562'"):
        split(adata, "context", context_key="line", context="K56")
    alone = adata[(adata.obs["line"] != "K562") | (adata.obs["perturbation"] != "control")].copy()
    with pytest.raises(InputError, match="context='K562' has 0 control cells"):
        split(alone, "context", context_key="line", context="K562")


GEARS = {
    "train": np.array(["ctrl", "G0+ctrl", "ctrl+G1"]),
    "val": ["G2+ctrl"],
    "test": ["ctrl+G3", "G1+G0"],
    "test_subgroup": {"combo_seen2": ["G1+G0"], "unseen_single": ["ctrl+G3"], "combo_seen0": []},
}


def test_gears_dictionary():
    adata = screen(conditions=["G0", "G1", "G2", "G3", "G0+G1"])
    split(adata, "gears", split_dict=GEARS)
    assert counts(adata)["train"].to_dict() == {"control": 20, "G0": 10, "G0+G1": 0, "G1": 10, "G2": 0, "G3": 0}
    assert (counts(adata).loc["G2", "val"], whole_tests(adata)) == (10, {"G3", "G0+G1"})
    groups = adata.uns["split"]["conditions"]["subgroup"]
    assert groups.to_dict() == {"control": "", "G0": "", "G0+G1": "combo_seen2", "G1": "", "G2": "unseen_single",
                                "G3": "unseen_single"}  # fmt: skip
    # No cell of a training condition validates: the training loss chooses.
    fit(adata, split_key="split", max_epochs=3, rng=0)
    assert list(adata.uns["clamp"]["regulators"]) == ["G0", "G1"]
    split(adata, "gears", split_dict=GEARS, train_fraction=0.8)
    assert counts(adata).loc["G1"].tolist() == [8, 2, 0]


def test_gears_dictionary_that_does_not_fit():
    adata = screen(conditions=["G0", "G1", "G5"])
    with pytest.warns(InputWarning, match="split_dict= does not name 1 conditions, which get no role: 'G5'"):
        with pytest.warns(InputWarning, match="names 3 conditions without observations here"):
            split(
                adata,
                "gears",
                split_dict=GEARS
                | {"val": ["G1+ctrl"], "train": ["G0+ctrl"], "test": ["G7+ctrl", "G8+ctrl", "G9+ctrl"]},
            )
    assert adata.obs["split"].isna().sum() == 10
    with pytest.raises(InputError, match="puts 'G0' in 'train' and in 'val'"):
        split(adata, "gears", split_dict={"train": ["G0+ctrl"], "val": ["ctrl+G0"]})
    with pytest.raises(InputError, match="has none of 'train', 'val' and 'test'"):
        split(adata, "gears", split_dict={"training": []})
    with pytest.raises(InputError, match="names none of the 3 conditions"):
        split(adata, "gears", split_dict={"train": ["X+ctrl"]})


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(["cells", "singles", "combinations", "additive", "holdout", "low_sample"]))
def test_neither_order_nor_other_cells_matter(data, kind):
    adata = screen()
    split(adata, kind, rng=7, test_fraction=None if kind in ("cells", "additive") else 0.3)
    order = data.draw(st.permutations(range(adata.n_obs)))
    # Cells of another condition go: whatever is drawn by cell stays for the others.
    gone = set(adata.obs_names[(adata.obs["perturbation"] == "G4")][: data.draw(st.integers(0, 4))])
    other = adata[[i for i in order if adata.obs_names[i] not in gone]].copy()
    split(other, kind, rng=7, test_fraction=None if kind in ("cells", "additive") else 0.3)
    rest = other.obs_names[other.obs["perturbation"] != "G4"]
    assert list(other.obs.loc[rest, "split"]) == list(adata.obs.loc[rest, "split"])


def test_seeds(untouched_rng):
    adata = screen()
    drawn = []
    for rng in (0, 1, np.random.default_rng(0), None):
        split(adata, "singles", rng=rng)
        drawn.append(list(adata.obs["split"]))
        seed = json.loads(adata.uns["split"]["params"])["seed"]
        split(adata, "singles", rng=seed)
        assert list(adata.obs["split"]) == drawn[-1]
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("cell", {}, r"kind='cell' is not known. Did you mean 'cells'"),
        ("cells", {"test_fraction": 0.2}, "test_fraction= is not used by kind='cells', but by singles"),
        ("context", {"context_key": "line"}, "kind='context' needs context="),
        ("gears", {}, "needs split_dict="),
        ("singles", {"test_fraction": 1.5}, "test_fraction=1.5 must be between 0 and 1"),
        ("singles", {"test_fraction": 0}, "of 10 single-gene conditions tests nothing"),
        ("singles", {"test_fraction": 1}, "need 10 single-gene conditions to test, 0 to validate and at least 1 to train"),
        ("singles", {"test": ["G77"]}, "names 'G77', but can only name single-gene conditions. Did you mean 'G7'"),
        ("low_sample", {"n_cells": 0}, "n_cells=0 must be a whole number"),
        ("holdout", {"of": "cells"}, "of='cells' is not known"),
        ("combinations", {"seen": 4}, r"0 conditions of 'combo_seen4' in 200 draws from 10 single genes, 12 combinations, 11"),
        ("cells", {"train_fraction": 0}, "train_fraction=0 must be above 0"),
        ("cells", {"train_fraction": "0.8"}, "train_fraction='0.8' must be above 0"),
        ("singles", {"test_fraction": "0.2"}, "test_fraction='0.2' must be between 0 and 1"),
        ("combinations", {"seen": "two"}, "seen='two' must be numbers of seen genes"),
        ("combinations", {"seen": []}, r"seen=\[\] must be numbers of seen genes"),
        ("cells", {"rng": "today"}, "rng='today' is no seed. Pass a whole number of at least 0"),
        ("cells", {"rng": -1}, "rng=-1 is no seed"),
        ("cells", {"key_added": "perturbation"}, "is the column that is read"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_before_anything_is_written(kind, arguments, message):
    adata = screen()
    before = adata.obs.copy()
    with pytest.raises(InputError, match=message):
        split(adata, kind, **arguments)
    assert adata.obs.equals(before)
    assert "split" not in adata.uns


@pytest.mark.parametrize(("kind", "message"), [("additive", "holds out combinations .*, and there are none"),
                                               ("combinations", "there are none"), ("singles", "at least 1 to train")])  # fmt: skip
def test_screens_that_are_too_small(kind, message):
    with pytest.raises(InputError, match=message):
        split(screen(conditions=["G0"]), kind)


def test_pseudobulk():
    adata = screen(n=1, n_control=1)
    with pytest.raises(InputError, match="needs a condition with 2 observations"):
        split(adata)
    split(adata, "additive")
    assert trained(adata) == {"control", *SINGLES}


def test_fit_honours_the_split():
    adata = screen()
    adata.obs.loc[adata.obs_names[-1], "perturbation"] = None
    split(adata, "singles", test=["G2"])
    with pytest.warns(InputWarning, match="1 observation without a known perturbation"):
        conditions = Conditions.from_anndata(adata, split_key="split", unmeasured="latent")
    assert "G2" not in conditions.regulators
    record = adata.uns["split"]["conditions"].loc[list(conditions.names)]
    np.testing.assert_array_equal(conditions.train_n, record["n_train"])
    np.testing.assert_array_equal(conditions.val_n, record["n_val"])
    # Taking the test cells away beforehand gives the same fit.
    seen = adata[adata.obs["split"].isin(["train", "val"])].copy()
    for data in (adata, seen):
        with pytest.warns(InputWarning) if data is adata else _nothing():
            fit(data, split_key="split", max_epochs=3, rng=0, unmeasured="latent", clamp_values="knockout")
    np.testing.assert_array_equal(adata.varm["clamp_A"], seen.varm["clamp_A"])


def _nothing():
    from contextlib import nullcontext

    return nullcontext()


def test_round_trip(tmp_path):
    adata = screen(n=2)
    split(adata, "additive")
    adata.write_h5ad(tmp_path / "a.h5ad")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    assert list(backed.obs["split"]) == list(adata.obs["split"])
    pd.testing.assert_frame_equal(
        backed.uns["split"]["conditions"], adata.uns["split"]["conditions"], check_dtype=False, check_index_type=False
    )
    split(backed, "additive", key_added="again")
    assert list(backed.obs["again"]) == list(adata.obs["split"])
    backed.file.close()


def test_norman_doubles(shared_data):
    adata = ad.read_h5ad(shared_data / "norman2019_pseudobulk" / "norman2019_pseudobulk.h5ad")
    perturbations(adata)
    split(adata, "additive")
    groups = adata.uns["split"]["conditions"]["subgroup"].value_counts()
    assert (groups["combo_seen2"], len(trained(adata))) == (62, 105)
    split(adata, "combinations", rng=3)
    require = {"unseen_single", "combo_seen0", "combo_seen1", "combo_seen2"}
    assert require <= set(adata.uns["split"]["conditions"]["subgroup"])


def test_perturbench_cell_lines(shared_data):
    adata = ad.read_h5ad(shared_data / "perturbench_devel" / "devel.h5ad")
    split(adata, "context", perturbation_key="condition", context_key="cell_type", context="A172")
    assert ((adata.obs["split"] == "test") == (adata.obs["cell_type"] == "A172")).all()


def test_papalexi_with_five_cells_each(shared_data):
    adata = ad.read_h5ad(shared_data / "papalexi2021_eccite" / "papalexi2021_eccite_rna_299genes.h5ad")
    perturbations(adata, key="grna")
    split(adata, "low_sample", test_fraction=1.0)
    table = counts(adata).drop(index="control")
    assert (table["train"] == 5).all()
    assert (table["test"] == adata.obs["perturbation"].value_counts()[table.index] - 5).all()
