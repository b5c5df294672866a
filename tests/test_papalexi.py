"""From raw counts of real knock-outs to signed edges of the interferon-gamma pathway, and the judge of its benchmark."""

from __future__ import annotations

import importlib
import sys

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

import scclamp as sc_c
from scclamp._errors import InputWarning
from scclamp.metrics import auprc

PATHWAY = ["IFNGR1", "IFNGR2", "JAK2", "STAT1"]
"""Knock-outs after which STAT1 is not switched on."""


@pytest.fixture(scope="module")
def screen(shared_data):
    path = shared_data / "papalexi2021_eccite" / "papalexi2021_eccite_rna_299genes.h5ad"
    if not path.exists():
        pytest.skip(f"{path.name} is absent")
    raw = ad.read_h5ad(path)
    raw = raw[raw.obs["grna_top_frac"] >= 0.8].copy()
    sc_c.pp.perturbations(raw, key="target")
    with pytest.warns(InputWarning, match="16 of 25 perturbed genes are not measured"):
        panel = sc_c.pp.recipe(raw, n_top_genes=None, library_size_key="response_n_umis")
    sc_c.pp.split(panel, "cells", rng=0)
    sc_c.tl.fit(panel, unmeasured="latent", clamp_values="knockout", split_key="split", max_epochs=150, rng=0)
    return panel


@pytest.fixture(scope="module")
def trrust(shared_data):
    path = shared_data / "gene_sets" / "trrust_rawdata.human.tsv"
    if not path.exists():
        pytest.skip(f"{path.name} is absent")
    return sc_c.datasets.gene_sets("trrust", path=path)


@pytest.fixture(scope="module")
def shifts(screen):
    """Shift of every gene in each knock-out, as the network predicts it."""
    return sc_c.tl.predict_clamps(screen, list(screen.uns["clamp"]["regulators"]), layers=["shift"]).to_df("shift")


def held_out(screen):
    """Shifts of the cells that validate; the fit saw them only to choose when to stop."""
    chosen = screen[(screen.obs["split"] == "val").to_numpy()]
    labels = chosen.obs["perturbation"].astype(str).to_numpy()
    means = pd.DataFrame(chosen.X.toarray(), columns=chosen.var_names).groupby(labels).mean()
    return means.drop("control") - means.loc["control"]


def test_every_condition_settles(screen):
    found = screen.uns["clamp"]["diagnostics"]
    assert len(found["condition"]) == 26
    assert (found["status"] == 0).all()
    assert found["residual"].max() < 1e-4
    assert found["spectral_radius"].max() < 0.99
    assert np.isfinite(screen.varm["clamp_A"]).all()


def test_held_out_cells_are_predicted(screen, shifts):
    observed = held_out(screen)
    free = np.array(observed.index)[:, None] != np.array(observed.columns)[None, :]
    predicted = shifts.loc[observed.index, observed.columns].to_numpy()
    y = observed.to_numpy()
    assert 1 - ((predicted - y)[free] ** 2).sum() / (y[free] ** 2).sum() > 0.35
    other = predicted[np.roll(np.arange(len(y)), 1)]
    assert 1 - ((other - y)[free] ** 2).sum() / (y[free] ** 2).sum() < 0
    for name in PATHWAY:
        mask = free[observed.index.get_loc(name)]
        assert np.corrcoef(shifts.loc[name, observed.columns][mask], observed.loc[name][mask])[0, 1] > 0.6


def test_targets_of_stat1_are_its_strongest_and_fall(screen, trrust):
    sc_c.tl.enrich(screen, trrust, regulators=["STAT1", "STAT3"], effect="loss")
    found = screen.uns["clamp_enrichment"].set_index("regulator").loc["STAT1"]
    assert {"PSMB9", "JAK2"} <= set(found["genes"].split(","))
    assert found["p"] < 0.02
    assert found["sign_agreement"] == 1
    assert found["n_signs"] >= 1


def test_the_pathway_ranks_and_signs_what_stat1_activates(shifts, trrust):
    """PSMB9, JAK2 and STAT2 fall where the signal is cut, more than the same number of other genes."""
    stat1 = trrust[trrust["source"] == "STAT1"]
    targets = [gene for gene in ("PSMB9", "JAK2", "STAT2") if gene in set(stat1["target"])]
    assert len(targets) == 3
    falls, ranks = [], []
    for name in PATHWAY:
        shift = shifts.loc[name].drop(name, errors="ignore")
        own = [gene for gene in targets if gene != name]
        falls += list(shift[own] < 0)
        ranks += list(shift.abs().rank(ascending=False)[own] / len(shift))
    assert binomtest(sum(falls), len(falls), alternative="greater").pvalue < 0.01
    assert np.median(ranks) < 0.1


@pytest.fixture
def edges(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return importlib.import_module("benchmarks.papalexi_edges")


def test_the_judge_counts_as_the_metrics_do(edges):
    rng = np.random.default_rng(0)
    genes, regulators = [f"G{i}" for i in range(40)], ["G0", "G7", "OUT"]
    scores = pd.DataFrame(rng.normal(size=(3, 40)).round(1), index=regulators, columns=genes)
    known = pd.DataFrame(
        [("G0", "G7", 1), ("G0", "G3", -1), ("G7", "G1", 0), ("OUT", "G5", 1), ("OUT", "G0", -1), ("OUT", "G9", 1)],
        columns=["regulator", "target", "sign"],
    )
    found = edges.Judge(known, genes, 200).row(scores, np.random.default_rng(1))
    pairs = {(r, g) for r, g, _ in known.itertuples(index=False)}
    values = [(abs(scores.loc[r, g]), (r, g) in pairs) for r in regulators for g in genes if r != g]
    assert found["AUPRC"] == pytest.approx(auprc(*zip(*values, strict=True)))
    agree = [np.sign(scores.loc[r, g]) == -s for r, g, s in known.itertuples(index=False) if s]
    assert (found["edges"], found["signed"], found["signs agree"]) == (6, 5, np.mean(agree))
    assert 0 < found["p"] <= 1
    assert found["permuted"] < 0.2


def test_perfect_scores_are_out_of_reach_of_permutations(edges):
    genes = [f"G{i}" for i in range(50)]
    known = pd.DataFrame({"regulator": "R", "target": genes[:4], "sign": [1, 1, -1, -1]})
    scores = pd.DataFrame(np.full((1, 50), 0.01), index=["R"], columns=genes)
    scores.loc["R", genes[:4]] = [-5.0, -4.0, 3.0, 2.0]
    found = edges.Judge(known, genes, 500).row(scores, np.random.default_rng(0))
    assert (found["AUPRC"], found["signs agree"], found["median rank"]) == (1.0, 1.0, 2.5)
    assert found["p"] < 0.01


def test_scopes_follow_the_pathway(edges):
    known = pd.DataFrame(
        [
            ("STAT1", "A", 1),
            ("STAT1", "B", 0),
            ("IRF1", "B", -1),
            ("IRF1", "STAT1", 1),
            ("MYC", "A", 1),
            ("IRF1", "X", 1),
        ],
        columns=["source", "target", "weight"],
    )
    found = edges.scopes(known, ["IRF1", "JAK2", "STAT1", "MYC"], ["A", "B", "STAT1", "JAK2"])
    as_sets = {name: set(table.itertuples(index=False, name=None)) for name, table in found.items()}
    assert as_sets["all factors"] == {(r, g, s) for r, g, s in known.itertuples(index=False) if g != "X"}
    assert as_sets["IRF1 and STAT1"] == {row for row in as_sets["all factors"] if row[0] != "MYC"}
    assert {row for row in as_sets["pathway"] if row[0] == "JAK2"} == {
        ("JAK2", "A", 1),
        ("JAK2", "B", -1),
        ("JAK2", "STAT1", 1),
    }
    assert {row for row in as_sets["pathway"] if row[0] == "STAT1"} == {("STAT1", "A", 1), ("STAT1", "B", -1)}
    assert {row for row in as_sets["pathway"] if row[0] == "IRF1"} == {("IRF1", "B", -1), ("IRF1", "STAT1", 1)}
