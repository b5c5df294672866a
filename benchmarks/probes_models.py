"""Models that are asked for a network: one that has it, one in closed form, and small ones trained for real."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field

import anndata as ad
import numpy as np
import torch

from benchmarks.small_models import Size, load_gremln, load_scgpt, read_report, train_gremln, train_scgpt

PENALTIES = np.logspace(-3, 2, 11)
PLANTED_NOISE = 0.2
"""Of the planted weights, in units of the mean size of a true one."""


@dataclass(frozen=True)
class Asked:
    """What `tl.probe_features` takes, an encoder or a map; and what training reported."""

    encoder: object = None
    reconstruct: Callable | None = None
    report: dict[str, object] = field(default_factory=dict)


def dense(adata: ad.AnnData) -> np.ndarray:
    return np.asarray(adata.X.toarray() if hasattr(adata.X, "toarray") else adata.X, float)


def planted(adata: ad.AnnData, rng: int = 0) -> Asked:
    """The true weights and noise: what a probe must find if it finds anything."""
    truth = adata.varm["true_A"]
    W = np.zeros((adata.n_vars, adata.n_vars))
    W[adata.var_names.get_indexer(adata.uns["truth"]["regulators"])] = truth.T
    scale = PLANTED_NOISE * np.abs(truth[truth != 0]).mean()
    W = torch.as_tensor(W + scale * np.random.default_rng(rng).standard_normal(W.shape))
    return Asked(reconstruct=lambda x: x @ W.to(x))


def ridge(adata: ad.AnnData, rng: int = 0) -> Asked:
    """Every gene by all others, linearly: the best that a linear model can make of masked reconstruction."""
    X = dense(adata)
    order = np.random.default_rng(rng).permutation(len(X))
    train, test = X[order[len(X) // 5 :]], X[order[: len(X) // 5]]
    mean = train.mean(0)
    fits = [_slopes(train - mean, penalty) for penalty in PENALTIES]
    best = min(fits, key=lambda B: float((((test - mean) @ B - (test - mean)) ** 2).mean()))
    B, centre = torch.as_tensor(best), torch.as_tensor(mean)
    return Asked(reconstruct=lambda x: (x - centre.to(x)) @ B.to(x) + centre.to(x))


def _slopes(centred: np.ndarray, penalty: float) -> np.ndarray:
    """Column j regresses gene j on the others: by the inverse of the covariance, at once for all."""
    S = centred.T @ centred / len(centred)
    P = np.linalg.inv(S + penalty * np.diag(S).mean() * np.eye(len(S)))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    return B


def scgpt(adata: ad.AnnData, size: Size, rng: int = 0) -> Asked:
    """A small scGPT trained on these cells."""
    with tempfile.TemporaryDirectory() as folder:
        path = train_scgpt(adata, folder, size=size, rng=rng)
        model, report = load_scgpt(path, adata.var_names), read_report(path)
    return Asked(encoder=model, report=report)


def gremln(adata: ad.AnnData, size: Size, rng: int = 0) -> Asked:
    """A small GREmLN trained on these cells."""
    with tempfile.TemporaryDirectory() as folder:
        path = train_gremln(adata, folder, size=size, rng=rng)
        model, report = load_gremln(path, adata.var_names), read_report(path)
    return Asked(encoder=model, report=report)
