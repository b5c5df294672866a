"""Fits without fitting: the true network of a simulated screen, or any parameters, stored as `tl.fit` stores its own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import torch

from scclamp import datasets
from scclamp._result import Result
from scclamp._storage import encode
from scclamp.fitting import FitConfig, effective_weights, from_arrays
from scclamp.fitting.ensemble import estimate, spread


def store_truth(adata, *, spread=0.0, n_members=1, seed=0, params=None, **config):
    """Store the network that a screen was simulated from; members differ from it by a little noise."""
    truth = adata.uns["truth"]
    regulators = tuple(str(r) for r in truth["regulators"])
    rows = adata.var_names.get_indexer(pd.Index(regulators))
    rng = np.random.default_rng(seed)
    dtype = np.dtype(config.get("dtype", "float32"))

    def members(value):
        value = np.asarray(value, float)
        noise = spread * rng.standard_normal((n_members, *value.shape))
        return (value + noise * (value != 0)).astype(dtype)

    kinetics = truth["kinetics"]
    arrays = {
        "A": members(adata.varm["true_A"]),
        "b": members(adata.var["true_b"]),
        "log_gamma": np.full(n_members, np.log(kinetics["gamma"]), dtype),
        "activation.log_n": np.full(n_members, np.log(kinetics["n"]), dtype),
        "activation.log_K": np.full(n_members, np.log(kinetics["K"]), dtype),
    }
    singles = dict(zip(regulators, np.asarray(truth["clamp_values"], float), strict=True))
    simulated = {"kinetics": "hill", "crowding": 0.0, "interaction": 1.0}
    store(adata, arrays, regulators, rows, singles, FitConfig(**(simulated | config)), params or {})
    return arrays


def store(adata, arrays, regulators, rows, singles, config, params):
    """Store parameters (members first) as a fit of `adata`."""
    n_members = len(arrays["b"])
    dynamics = from_arrays(arrays, rows, config)
    weights, point = effective_weights(dynamics), params.get("point", "mean")
    around = spread(weights, point)
    kept = {k: v for k, v in arrays.items() if n_members > 1 or k not in ("A", "b")}
    columns = len(regulators)
    names = np.array(["control", *regulators])
    latent = np.asarray(rows) < 0
    values = np.vstack([np.zeros(columns), np.diag([singles[r] for r in regulators])])
    result = Result(
        A=estimate(weights, point).numpy(),
        A_sd=None if around is None else around.numpy(),
        b=estimate(torch.as_tensor(arrays["b"]), point).numpy(),
        genes=tuple(adata.var_names),
        regulators=regulators,
        regulator_rows=np.asarray(rows),
        control_mean=np.zeros(adata.n_vars, arrays["b"].dtype),
        kinetics={name: estimate(value, point).numpy() for name, value in dynamics.named_values().items()},
        history=pd.DataFrame({"epoch": [0]}),
        params={
            "config": dataclasses.asdict(config),
            "n_members": n_members,
            "perturbation_key": "perturbation",
            "control": None,
            "layer": None,
            "mod": None,
            **params,
        },
        members=kept,
        conditions={
            "names": names,
            "targets": np.array(["", *regulators]),
            "clamp_mask": np.vstack([np.zeros(columns), np.eye(columns)]).astype(bool) | latent,
            "clamp_values": values,
        },
    )
    encode(adata, result)


def simulated_fit(**options):
    """A tiny screen that holds its own true network as a fit."""
    adata = datasets.simulated("tiny")
    store_truth(adata, **options)
    return adata


def truth_of(adata):
    """Noise-free state of every simulated condition, conditions x genes."""
    names = [str(name) for name in adata.uns["truth"]["conditions"]]
    return pd.DataFrame(adata.varm["true_states"].T, index=names, columns=adata.var_names)
