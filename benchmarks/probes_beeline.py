"""How far the names of genes alone lead on BEELINE's networks: labels that leak from training into the test."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

import scclamp as sc_c
from benchmarks.norman_data import SHARED
from scclamp.metrics import auprc
from scclamp.probes import PairFeatures, dataset_disjoint, edge_nulls, gene_disjoint, sample_negatives

NETWORKS = ("STRING", "Non-Specific", "Specific", "Lofgof")
CELL_TYPES = ("hESC", "hHEP", "mDC", "mESC", "mHSC-E", "mHSC-GM", "mHSC-L")
NULLS = ("source degree", "target degree", "gene identity")
MIN_EDGES = 20
"""Edges of the test below which no row is given."""


def folder() -> Path | None:
    """BEELINE's folder, in the one that SCCLAMP_TEST_DATA names or beside the repository."""
    path = Path(os.environ.get("SCCLAMP_TEST_DATA", SHARED)) / "beeline"
    return path if path.is_dir() else None


def read(path: Path, cell_type: str, network: str) -> PairFeatures | None:
    """All pairs of a source and a gene of a network, as BEELINE judges them; None where there is no such network."""
    if not any((path / cell_type / f"{network}.network.csv{end}").exists() for end in ("", ".gz")):
        return None
    reference = sc_c.datasets.beeline(cell_type, network, path=path)
    sources = sorted(set(reference.edges["source"]))
    return PairFeatures.of(sources, reference.genes, {}).labelled(reference.edges)


def splits(pairs: PairFeatures, rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Half of the pairs, of the sources, or of the genes, for the test."""
    random = rng.random(len(pairs)) < 0.5
    names = pd.unique(pairs.sources)
    apart = pd.Index(pairs.sources).isin(rng.choice(names, len(names) // 2, replace=False))
    return {
        "pairs": (~random, random),
        "sources": (~apart, apart),
        "genes": gene_disjoint(pairs.sources, pairs.targets, rng=rng),
    }


def within(data: dict[tuple[str, str], PairFeatures]) -> list[dict[str, object]]:
    """Nulls trained on one half of a network and judged on the other, as many negatives as edges."""
    rows = []
    for (network, cell_type), pairs in data.items():
        row: dict[str, object] = {"network": network, "cells": cell_type, "factors": len(pd.unique(pairs.sources))}
        row |= {"edges": int(pairs.known.sum()), "share of edges": float(pairs.known.mean())}
        for split, (train, test) in splits(pairs, np.random.default_rng(0)).items():
            for negatives in ("balanced", "matched"):
                parts = [sample_negatives(pairs.take(at), negatives, rng=0) for at in (train, test)]
                row |= _scores(parts[0], parts[1], f"{split}, {negatives}", NULLS)
        keep = ("pairs, balanced", "pairs, matched", "sources, balanced", "genes, balanced")
        rows.append({name: value for name, value in row.items() if ": " not in name or name.split(": ")[0] in keep})
    return rows


def _scores(train: PairFeatures, test: PairFeatures, prefix: str, nulls: tuple[str, ...]) -> dict[str, object]:
    if test.known.sum() < MIN_EDGES or train.known.sum() < MIN_EDGES:
        return {f"{prefix}: {name}": float("nan") for name in nulls}
    found = edge_nulls([train], test)
    return {f"{prefix}: {name}": auprc(found[name], test.known) for name in nulls}


def across(data: dict[tuple[str, str], PairFeatures]) -> list[dict[str, object]]:
    """Nulls trained on one cell type and judged on all others, which is the protocol of the paper."""
    rows = []
    for network in dict.fromkeys(name for name, _ in data):
        by_cell = {cells: pairs for (name, cells), pairs in data.items() if name == network}
        for source in by_cell:
            found = [_transfer(by_cell, source, other) for other in by_cell if other != source]
            if found:
                mean = pd.DataFrame(found).mean()
                rows.append({"network": network, "trained on": source, "judged on": len(found), **mean.to_dict()})
    return rows


def _transfer(data: dict[str, PairFeatures], source: str, other: str) -> dict[str, float]:
    parts = [sample_negatives(data[name], "balanced", rng=0) for name in (source, other)]
    pairs = {name: (part.sources, part.targets) for name, part in zip(("train", "test"), parts, strict=True)}
    genes = [set(part.sources) | set(part.targets) for part in parts]
    keep = dataset_disjoint(pairs, "test")["train"]
    row = {"genes met": len(genes[0] & genes[1]) / len(genes[1])}
    edges = [set(zip(*(side[part.known] for side in (part.sources, part.targets)), strict=True)) for part in parts]
    row["edges met"] = len(edges[0] & edges[1]) / len(edges[1])
    row |= _scores(parts[0], parts[1], "as they are", (*NULLS, "same pair"))
    disjoint = parts[0].take(keep)
    return (
        row | {"edges left, disjoint": float(disjoint.known.sum())} | _scores(disjoint, parts[1], "disjoint", NULLS[2:])
    )
