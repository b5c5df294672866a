"""What probes find of TRRUST and CollecTRI in Papalexi's cells, beside the network of the knock-outs and a correlation."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

import scclamp as sc_c
from benchmarks import papalexi
from benchmarks.papalexi_edges import find, read_network
from benchmarks.probes_models import Asked, dense, ridge, scgpt
from benchmarks.record import Scale
from benchmarks.small_models import Size
from scclamp.metrics import network_agreement, network_recovery

TRAINED_ON = 1200
"""Cells that the small model is trained on: a panel of 299 genes makes long sequences."""
SIZE = Size(32, 4, 64, 2, 51, 12, 16, 4e-3)
METHODS = ("gradient", "virtual", "silencing")


def rows(scale: Scale) -> list[dict[str, object]]:
    """One row for each known network, set of factors and ranking; nothing without data."""
    paths = find()
    if paths is None:
        return []
    panel = papalexi.prepare(paths["cells"])
    papalexi.fit(panel, **({"max_epochs": 5} if scale == Scale.QUICK else {}))
    rankings = _rankings(panel, scale)
    A = sc_c.get.adjacency(panel)
    regulators = set(A["regulator"])
    found = []
    for name in papalexi.NETWORKS:
        known = read_network(name, paths[name])
        known = known[known["target"].isin(panel.var_names) & known["source"].isin(panel.var_names)]
        scopes = {
            "measured": sorted(set(known["source"])),
            "perturbed and measured": sorted(set(known["source"]) & regulators),
        }
        for scope, factors in scopes.items():
            for ranking, edges in rankings.items():
                # The network has no column for a factor that was not perturbed.
                if ranking == "A of tl.fit" and scope == "measured":
                    continue
                found.append(_row(name, scope, ranking, edges, known, factors, A, list(panel.var_names)))
    return found


def _row(
    name: str,
    scope: str,
    ranking: str,
    edges: pd.DataFrame,
    known: pd.DataFrame,
    factors: list[str],
    A: pd.DataFrame,
    genes: list[str],
) -> dict[str, object]:
    # Genes without an edge are judged too, as no edges: the panel is what was measured.
    judged = edges[edges["source"].isin(factors)]
    listed = pd.concat([known, pd.DataFrame({"source": genes, "target": genes})])
    by = network_recovery(judged, listed, factors=factors).set_index("by")
    agreement = network_agreement(edges, A)
    return {
        "known by": name,
        "factors": scope,
        "ranking": ranking,
        "edges": int(by.loc["ranking", "n_edges"]),
        "AUPRC": by.loc["ranking", "auprc"],
        "chance": by.loc["chance", "auprc"],
        "AUROC": by.loc["ranking", "auroc"],
        "rank correlation with A, within regulators": agreement["spearman_within"],
        "top tenth shared with A's": agreement["top_shared"],
        "signs as A's, in both tops": agreement["sign_agreement_top"],
    }


def _rankings(panel: ad.AnnData, scale: Scale) -> dict[str, pd.DataFrame]:
    A = sc_c.get.adjacency(panel).rename(columns={"regulator": "source"})
    found = {"A of tl.fit": A.assign(score=A["weight"].abs(), sign=np.sign(A["weight"]))}
    models: dict[str, Asked] = {"ridge": ridge(panel)}
    if scale != Scale.QUICK:
        some = np.sort(np.random.default_rng(0).permutation(panel.n_obs)[:TRAINED_ON])
        models["scGPT, small"] = scgpt(panel[some].copy(), SIZE)
    for name, asked in models.items():
        for method in METHODS:
            reconstruct = asked.reconstruct if asked.encoder is None else None
            found[f"{name}, {method}"] = sc_c.tl.probe_grn(
                panel, asked.encoder, method=method, reconstruct=reconstruct, n_cells=1000, batch_size=64, rng=0
            )
    genes = np.array(panel.var_names)
    r = np.nan_to_num(np.corrcoef(dense(panel).T))
    i, j = (~np.eye(len(genes), dtype=bool)).nonzero()
    table = {"source": genes[i], "target": genes[j], "score": np.abs(r[i, j]), "sign": np.sign(r[i, j])}
    return found | {"correlation": pd.DataFrame(table)}
