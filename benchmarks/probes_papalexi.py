"""What probes find of TRRUST and CollecTRI in Papalexi's cells, beside the network of the knock-outs and a correlation."""

from __future__ import annotations

from dataclasses import replace

import anndata as ad
import numpy as np
import pandas as pd

import scclamp as sc_c
from benchmarks import papalexi
from benchmarks.papalexi_edges import find, read_network
from benchmarks.probes_models import Asked, dense, ridge, scgpt
from benchmarks.small_models import SCGPT
from scclamp.metrics import network_agreement, network_recovery

N_GENES, N_CELLS = 80, 1500
"""The genes that most cells express, for which a small model can be trained, and the cells that it is trained on."""
EPOCHS = 25
METHODS = ("gradient", "virtual", "silencing")
A_NAME = "A of tl.fit"


def measure(quick: bool) -> tuple[list[dict[str, object]], dict[str, object]]:
    """One row for each known network and ranking, and what the small model reports; nothing without data."""
    paths = find()
    if paths is None:
        return [], {}
    panel = papalexi.prepare(paths["cells"])
    papalexi.fit(panel, **({"max_epochs": 5} if quick else {}))
    A = sc_c.get.adjacency(panel)
    expressed = np.argsort(-(dense(panel) > 0).mean(0))[:N_GENES]
    part = panel[:, np.sort(expressed)].copy()
    some = np.sort(np.random.default_rng(0).permutation(part.n_obs)[:N_CELLS])
    small = scgpt(part[some].copy(), replace(SCGPT["quick"], epochs=1 if quick else EPOCHS))
    rankings = _rankings(part, A, {"ridge": ridge(part), "scGPT, small": small})
    genes = list(part.var_names)
    rows = []
    for name in papalexi.NETWORKS:
        known = read_network(name, paths[name])
        known = known[known["target"].isin(genes) & known["source"].isin(genes) & known["source"].isin(A["regulator"])]
        # Genes without an edge are judged too, as no edges: the panel is what was measured.
        listed = pd.concat([known, pd.DataFrame({"source": genes, "target": genes})])
        factors = sorted(set(known["source"]))
        rows += [_row(name, factors, ranking, edges, listed, A) for ranking, edges in rankings.items()]
    return rows, small.report


def _row(
    name: str, factors: list[str], ranking: str, edges: pd.DataFrame, listed: pd.DataFrame, A: pd.DataFrame
) -> dict[str, object]:
    by = network_recovery(edges[edges["source"].isin(factors)], listed, factors=factors).set_index("by")
    agreement = network_agreement(edges, A)
    return {
        "known by": name,
        "factors": ", ".join(factors),
        "ranking": ranking,
        "edges": int(by.loc["ranking", "n_edges"]),
        "pairs": int(by.loc["ranking", "n_pairs"]),
        "AUPRC": by.loc["ranking", "auprc"],
        "chance": by.loc["chance", "auprc"],
        "AUROC": by.loc["ranking", "auroc"],
        "rank correlation with A, within regulators": agreement["spearman_within"],
        "top tenth shared with A's": agreement["top_shared"],
        "signs as A's, in both tops": agreement["sign_agreement_top"],
    }


def _rankings(part: ad.AnnData, A: pd.DataFrame, models: dict[str, Asked]) -> dict[str, pd.DataFrame]:
    genes = np.array(part.var_names)
    own = A[A["target"].isin(genes) & A["regulator"].isin(genes)].rename(columns={"regulator": "source"})
    found = {A_NAME: own.assign(score=own["weight"].abs(), sign=np.sign(own["weight"]))}
    for name, asked in models.items():
        for method in METHODS:
            found[f"{name}, {method}"] = sc_c.tl.probe_grn(
                part, asked.encoder, method=method, reconstruct=asked.reconstruct, n_cells=1000, batch_size=64, rng=0
            )
    r = np.nan_to_num(np.corrcoef(dense(part).T))
    i, j = (~np.eye(len(genes), dtype=bool)).nonzero()
    table = {"source": genes[i], "target": genes[j], "score": np.abs(r[i, j]), "sign": np.sign(r[i, j])}
    return found | {"correlation": pd.DataFrame(table)}
