"""Small models that have learned something, in the released layouts, through everything that takes an encoder."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

import scclamp as sc_c
from scclamp.metrics import auprc

EPOCHS = {"scgpt": 16, "gremln": 12}
CLEAR = {"scgpt": 0.7, "gremln": 0.6}
"""Share of the gene means' squared error at most: 0.4 and 0.2 were measured, 0.15 for the linear regression."""
REAL_GENES, REAL_CELLS, REAL_CLEAR = 24, 1200, 0.92
"""Of real cells 0.82 was measured, 0.81 for the linear regression."""


@dataclass(frozen=True)
class Learned:
    """A model as it was trained, what training reported, and the lens that was read from its files: as it is, soft, untrained."""

    kind: str
    trainee: torch.nn.Module
    report: dict
    lens: object
    soft: object
    untrained: object


@pytest.fixture(scope="module")
def small_models(root) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        patch.setattr(sys, "dont_write_bytecode", True)
        yield importlib.import_module("benchmarks.small_models")


@pytest.fixture(scope="module")
def simulated() -> ad.AnnData:
    """Large effects and little noise: cells of one condition differ by sampling alone, which teaches a model nothing."""
    effects = {"dose": 3.0, "density": 0.25, "strength": 1.2}
    noise = {"library_size": 500_000.0, "library_spread": 0.1, "dispersion": 0.01, "dropout": 0.0}
    size = {"n_genes": 30, "n_regulators": 6, "combinations": 12, "n_cells_per_condition": 50, "n_control_cells": 100}
    return sc_c.datasets.simulated("tiny", rng=0, **effects, **noise, **size)


def teach(small_models: ModuleType, kind: str, adata: ad.AnnData, folder: Path, epochs: int) -> tuple:
    """A trained model, its report, and the lens from what it wrote."""
    sizes, trainee = {
        "scgpt": (small_models.SCGPT, small_models.ScGPTTrainee),
        "gremln": (small_models.GREMLN, small_models.GREmLNTrainee),
    }[kind]
    size = replace(sizes["quick"], epochs=epochs, batch_size=24, learning_rate=6e-3)
    model, report = small_models.learn(trainee, adata, size)
    small_models.write(model, report, folder)
    return model, report, read(small_models, kind, adata, folder)


def read(small_models: ModuleType, kind: str, adata: ad.AnnData, folder: Path, **settings: object) -> object:
    load = {"scgpt": small_models.load_scgpt, "gremln": small_models.load_gremln}[kind]
    return load(folder, adata.var_names, batch_size=None, **settings)


@pytest.fixture(scope="module")
def models(small_models, simulated, tmp_path_factory) -> dict[str, Learned]:
    found = {}
    for kind, epochs in EPOCHS.items():
        folder = tmp_path_factory.mktemp(kind)
        trained = teach(small_models, kind, simulated, folder / "trained", epochs)
        soft = read(small_models, kind, simulated, folder / "trained", temperature=3.0)
        untrained = teach(small_models, kind, simulated, folder / "untrained", 0)[-1]
        found[kind] = Learned(kind, *trained, soft, untrained)
    return found


@pytest.fixture(params=list(EPOCHS))
def learned(request, models) -> Learned:
    return models[request.param]


def cells(adata: ad.AnnData, n: int) -> torch.Tensor:
    return torch.as_tensor(adata.X[:: adata.n_obs // n].toarray(), dtype=torch.float32)


def test_it_fills_in_hidden_genes_of_cells_that_it_did_not_see(learned):
    error = {name: learned.report[f"mse, {name}"] for name in ("model", "gene means", "ridge")}
    assert error["model"] < CLEAR[learned.kind] * error["gene means"], error
    assert learned.report["history"][-1] < learned.report["history"][0]


def test_the_lens_says_what_its_trainer_said(learned, simulated):
    x = cells(simulated, 20)
    hidden = torch.arange(x.shape[1]) % 4 == 1
    said = trainer_says(learned.trainee, learned.kind, x, hidden)
    torch.testing.assert_close(learned.lens.reconstruct(x, hidden=hidden), said, rtol=1e-4, atol=1e-3)
    assert (said - learned.untrained.reconstruct(x, hidden=hidden)).abs().max() > 1


def trainer_says(trainee: torch.nn.Module, kind: str, x: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    levels = trainee.levels_of(x, trainee.args["n_bins"] if kind == "scgpt" else trainee.model.n_bins)
    with torch.no_grad():
        return trainee.values(trainee.answer(levels, hidden.expand_as(levels)))


def test_it_is_checked_with_a_verdict(learned, simulated):
    report = sc_c.encoders.check(learned.lens, simulated, n_cells=24, rng=0)
    figures = report.table.set_index("check")["figure"]
    assert figures.notna().all()
    assert report.passed == (not any(p is False for p in report.table["passed"]))
    assert len(report.failures) == sum(p is False for p in report.table["passed"])


def test_it_transmits_something_else_than_a_model_that_learned_nothing(learned, simulated):
    lenses = {"trained": learned.lens, "untrained": learned.untrained}
    settings = {"basis": "gamma", "n_cells": 8, "n_seeds": 2, "n_bootstrap": 50, "rng": 0}
    found = sc_c.tl.transmission(simulated, lenses, **settings).set_index("encoder")
    assert np.isfinite(found.drop(columns="basis").to_numpy(float)).all()
    assert (found["preserved"] > 0).all()
    components = simulated.uns["transmission"]["components"]
    t = {name: components.loc[components["encoder"] == name, "t"].to_numpy() for name in lenses}
    # Free of scale, so that a lens that only answers more loudly does not count as another.
    shapes = [each / each.max() for each in t.values()]
    assert np.abs(shapes[0] - shapes[1]).max() > 0.05


@pytest.mark.filterwarnings("ignore::scclamp._errors.InputWarning")
def test_a_network_is_fitted_through_it(learned, simulated):
    # Along the slopes of a staircase no fit of a small model descends.
    start = {"start": "random", "init_scale": 0.01, "learning_rate": 0.01}
    fitted = sc_c.tl.fit(simulated, encoder=learned.soft, max_epochs=25, rng=0, copy=True, **start)
    loss = fitted.uns["clamp"]["history"]["loss"].to_numpy()
    assert len(loss) == 25
    assert loss[-5:].max() < 0.8 * loss[0], loss
    assert np.isfinite(fitted.varm["clamp_A"]).all()


@pytest.mark.parametrize("method", ["gradient", "virtual"])
def test_probes_answer_for_every_pair(learned, simulated, method):
    edges = asked(learned.lens, simulated, method)
    regulators = list(simulated.uns["truth"]["regulators"])
    assert list(edges.columns) == ["source", "target", "score", "sign"]
    assert len(edges) == len(regulators) * (simulated.n_vars - 1)
    assert set(edges["source"]) == set(regulators)
    assert np.isfinite(edges["score"]).all()
    assert (np.diff(edges["score"]) <= 0).all()
    assert edges["sign"].isin([-1, 0, 1]).all()


def asked(lens: object, adata: ad.AnnData, method: str):
    sources = list(adata.uns["truth"]["regulators"])
    return sc_c.tl.probe_grn(adata, lens, sources=sources, method=method, n_cells=256, batch_size=128, rng=0)


def test_probes_of_trained_models_find_edges_of_the_true_network(models, simulated):
    truth, regulators = simulated.varm["true_A"] != 0, simulated.uns["truth"]["regulators"]
    network = pd.DataFrame(truth, index=simulated.var_names, columns=regulators)

    def judged(lens: object) -> float:
        edges = asked(lens, simulated, "virtual")
        known = [network.loc[pair.target, pair.source] for pair in edges.itertuples()]
        return auprc(edges["score"].to_numpy(), np.array(known))

    # Of both, since a small model finds few of the 47 edges: 0.33 to 0.52 each, over seeds of the training.
    trained, untrained = (
        np.mean([judged(getattr(m, which)) for m in models.values()]) for which in ("lens", "untrained")
    )
    off = network.to_numpy() & (simulated.var_names.to_numpy()[:, None] != regulators)
    chance = off.sum() / (len(regulators) * (simulated.n_vars - 1))
    assert trained > 1.1 * chance
    assert trained > untrained


@pytest.fixture(scope="module")
def real_cells(shared_data) -> ad.AnnData:
    """Papalexi's cells on the genes that go together most."""
    path = shared_data / "papalexi2021_eccite" / "papalexi2021_eccite_rna_299genes.h5ad"
    if not path.exists():
        pytest.skip(f"{path.name} is absent")
    raw = ad.read_h5ad(path)
    raw = raw[raw.obs["grna_top_frac"] >= 0.8]
    raw = raw[np.sort(np.random.default_rng(0).permutation(raw.n_obs)[:REAL_CELLS])].copy()
    X = np.log1p(raw.X.toarray() / raw.obs["n_counts"].to_numpy(float)[:, None] * 1e4)
    together = np.abs(np.corrcoef(X[:, X.any(0)].T))
    strength = np.zeros(raw.n_vars)
    # Itself and five others.
    strength[X.any(0)] = np.sort(together, axis=0)[-6:].mean(0)
    chosen = np.sort(np.argsort(-strength)[:REAL_GENES])
    labels = raw.obs["target"].astype(str).replace("non-targeting", "control").to_numpy()
    obs = pd.DataFrame({"perturbation": labels}, index=raw.obs_names)
    return ad.AnnData(sp.csr_matrix(X[:, chosen].astype(np.float32)), obs=obs, var=raw.var.iloc[chosen][[]])


def test_it_learns_from_real_cells(small_models, real_cells, tmp_path):
    trainee, report, lens = teach(small_models, "gremln", real_cells, tmp_path, 8)
    assert report["mse, model"] < REAL_CLEAR * report["mse, gene means"], report
    x = cells(real_cells, 20)
    hidden = torch.arange(x.shape[1]) % 4 == 1
    said = trainer_says(trainee, "gremln", x, hidden)
    torch.testing.assert_close(lens.reconstruct(x, hidden=hidden), said, rtol=1e-4, atol=1e-3)
    found = sc_c.tl.transmission(real_cells, lens, basis="gamma", n_cells=8, n_seeds=2, n_bootstrap=50, rng=0)
    assert (found.loc[found["encoder"] == "gremln", ["preserved", "direct", "infinitesimal"]] > 0).all(axis=None)
