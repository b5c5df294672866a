"""Small models as lenses: trained on the cells that a fit sees, and the same left as they began."""

from __future__ import annotations

import tempfile
from dataclasses import replace

import anndata as ad

from benchmarks.masked_training import Size
from benchmarks.small_models import (
    GREMLN,
    SCGPT,
    load_gremln,
    load_scgpt,
    read_report,
    train_gremln,
    train_scgpt,
)
from scclamp.encoders import Encoder

KINDS = {
    "scGPT, small": (SCGPT["quick"], train_scgpt, load_scgpt),
    "GREmLN, small": (GREMLN["quick"], train_gremln, load_gremln),
}
UNTRAINED = "untrained"
BATCH = 256
TEMPERATURE = 3.0
"""Bins and ranks are soft: along the slopes of their staircase, which are noisy in small models, no fit descends."""


def lenses(adata: ad.AnnData, epochs: int, rng: int = 0) -> tuple[dict[str, Encoder], list[dict[str, object]]]:
    """Both models, trained and untrained, and what training reports; the cells' labels are not read."""
    found: dict[str, Encoder] = {}
    learned = []
    for name, (size, train, load) in KINDS.items():
        for suffix, n in (("", epochs), (f", {UNTRAINED}", 0)):
            # Larger batches and steps than where a model is all that is trained: half the time.
            chosen: Size = replace(size, epochs=n, batch_size=24, learning_rate=6e-3)
            with tempfile.TemporaryDirectory() as folder:
                path = train(adata, folder, size=chosen, rng=rng)
                found[name + suffix] = load(path, adata.var_names, temperature=TEMPERATURE, batch_size=BATCH)
                report = read_report(path)
            if n:
                learned.append(_learned(name, report))
    return found, learned


def _learned(name: str, report: dict[str, object]) -> dict[str, object]:
    errors = {f"error, {judge}": report[f"mse, {judge}"] for judge in ("gene means", "ridge", "model")}
    return {"model": name, **errors, "parameters": report["parameters"], "s": report["s"]}
