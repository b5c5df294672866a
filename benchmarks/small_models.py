"""Small models trained for real, written in the released layouts of scGPT and GREmLN, since no released weights are to be had here."""

from __future__ import annotations

import json
import time
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import torch

from benchmarks.masked_training import Levels, Size, folds, hidden_values, judge, train
from benchmarks.small_gremln import NETWORK, GREmLNTrainee
from benchmarks.small_scgpt import ScGPTTrainee
from scclamp.encoders import GREmLN, ScGPT

REPORT = "training.json"
SCGPT = {"quick": Size(32, 2, 64, 2, 51, 30), "small": Size(64, 2, 128, 2, 51, 5, reads=128)}
GREMLN = {"quick": Size(32, 2, 64, 2, 20, 30), "small": Size(64, 2, 128, 2, 50, 5, reads=128)}

Trainee = ScGPTTrainee | GREmLNTrainee


def train_scgpt(
    adata: ad.AnnData, folder: str | Path, *, size: str | Size = "small", epochs: int | None = None, rng: int = 0
) -> Path:
    """Train a small scGPT on log-normalised cells; its folder holds `args.json`, `vocab.json`, `best_model.pt` and a report."""
    return write(*learn(ScGPTTrainee, adata, _size(size, SCGPT), epochs, rng), folder)


def train_gremln(
    adata: ad.AnnData, folder: str | Path, *, size: str | Size = "small", epochs: int | None = None, rng: int = 0
) -> Path:
    """Train a small GREmLN on log-normalised cells; its folder holds weights, vocabulary, the network of its training and a report."""
    return write(*learn(GREmLNTrainee, adata, _size(size, GREMLN), epochs, rng), folder)


def load_scgpt(folder: str | Path, genes: pd.Index, **settings: object) -> ScGPT:
    """Read what `train_scgpt` wrote."""
    return ScGPT.from_checkpoint(folder, genes, **settings)


def load_gremln(folder: str | Path, genes: pd.Index, **settings: object) -> GREmLN:
    """Read what `train_gremln` wrote, with the heads and the network that it was trained with."""
    network = pd.read_csv(Path(folder) / NETWORK, sep="\t")
    names, heads = dict(zip(genes, genes, strict=True)), read_report(folder)["heads"]
    return GREmLN.from_checkpoint(folder, genes, ensembl=names, network=network, n_heads=heads, **settings)


def read_report(folder: str | Path) -> dict[str, object]:
    """Losses of validation cells, beside those of gene means and of a linear regression, and what training took."""
    return json.loads((Path(folder) / REPORT).read_text())


def learn(
    kind: type[Trainee], adata: ad.AnnData, size: Size, epochs: int | None = None, rng: int = 0
) -> tuple[Trainee, dict[str, object]]:
    """Train a model from scratch, and judge it by cells that it did not see."""
    start, draw = time.process_time(), np.random.default_rng(rng)
    X = adata.X.toarray() if hasattr(adata.X, "toarray") else np.asarray(adata.X)
    levels = Levels.split(kind.levels_of(torch.as_tensor(X, dtype=torch.float32), size.n_bins), draw)
    parts = folds(adata.n_vars, draw)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(rng)
        trainee = kind(size, adata.var_names, levels.train)
    generator = torch.Generator().manual_seed(rng)
    history = train(trainee, levels.train, size, size.epochs if epochs is None else epochs, generator)
    trainee.finish()
    said = hidden_values(trainee.answer, levels.validation, parts)
    found = judge(trainee.values(said), levels, parts) | trainee.figures(said, levels)
    n = sum(parameter.numel() for parameter in trainee.parameters())
    spent = {"s": time.process_time() - start, "parameters": n, "heads": size.heads, "history": history}
    return trainee, found | spent


def write(trainee: Trainee, report: dict[str, object], folder: str | Path) -> Path:
    """Write a model in the layout of its release, and what became of its training."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    trainee.write(path)
    (path / REPORT).write_text(json.dumps(report, indent=1))
    return path


def _size(size: str | Size, known: dict[str, Size]) -> Size:
    return known[size] if isinstance(size, str) else size
