"""Small files in exactly the layouts of the sources of screens. Loaded with `runpy`."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

GENES = ["KLF1", "GATA1", "AHR", "STAT2", "ATF6", "EIF2AK3", "ERN1", "SPI1", "SARS1", "GAPDH", "ACTB"]


def counts(n, seed=0):
    values = np.random.default_rng(seed).poisson(2.0, size=(n, len(GENES)))
    return sparse.csr_matrix(values.astype(np.float32))


def scperturb(labels, *, cell_line="K562", guides=None):
    """Raw counts; symbols in the index, Ensembl identifiers beside them."""
    X = counts(len(labels))
    obs = pd.DataFrame(
        {
            "perturbation": pd.Categorical(labels),
            "guide_id": guides or labels,
            "nperts": [0 if label == "control" else label.count("_") + 1 for label in labels],
            "tissue_type": "cell_line",
            "cell_line": cell_line,
            "celltype": "lymphoblasts",
            "organism": "human",
            "perturbation_type": "CRISPR",
            "ncounts": np.asarray(X.sum(axis=1)).ravel(),
            "ngenes": np.asarray((X > 0).sum(axis=1)).ravel(),
        },
        index=[f"CELL{i}-1" for i in range(len(labels))],
    )
    var = pd.DataFrame(
        {"ensembl_id": [f"ENSG{i:011d}" for i in range(len(GENES))], "ncounts": 1.0, "ncells": 1},
        index=pd.Index(GENES, name="gene_symbol"),
    )
    return ad.AnnData(X, obs=obs, var=var)


def gears(conditions, *, cell_type="A549", dense_counts=True):
    """Log-normalised; Ensembl identifiers in the index, symbols beside them; counts in a dense layer, or none."""
    raw = counts(len(conditions), seed=1)
    X = sparse.csr_matrix(np.log1p(raw.toarray() / np.maximum(raw.sum(axis=1), 1).A * 1e4)).astype(np.float32)
    doses = ["+".join("1" * (c.count("+") + 1)) for c in conditions]
    obs = pd.DataFrame(
        {
            "condition": pd.Categorical(conditions),
            "cell_type": pd.Categorical([cell_type] * len(conditions)),
            "dose_val": pd.Categorical(doses),
            "control": [int(c.strip() == "ctrl") for c in conditions],
            "condition_name": pd.Categorical(
                [f"{cell_type}_{c}_{d}" for c, d in zip(conditions, doses, strict=True)],
            ),
        },
        index=pd.Index([f"CELL{i}-1" for i in range(len(conditions))], name="cell_barcode"),
    )
    var = pd.DataFrame(
        {"gene_name": GENES}, index=pd.Index([f"ENSG{i:011d}" for i in range(len(GENES))], name="gene_id")
    )
    layers = {"counts": raw.toarray()} if dense_counts else None
    return ad.AnnData(X, obs=obs, var=var, layers=layers)


def sceptre(targets):
    """Counts of a panel, with targets and guides in columns of their own."""
    X = counts(len(targets), seed=2)
    obs = pd.DataFrame(
        {
            "bio_rep": "rep_1",
            "grna": [f"{t}g1" if t != "non-targeting" else "NTg1" for t in targets],
            "target": pd.Categorical(targets),
            "n_counts": np.asarray(X.sum(axis=1)).ravel(),
            "response_n_umis": 17000.0,
        },
        index=[f"cell{i}" for i in range(len(targets))],
    )
    return ad.AnnData(X, obs=obs, var=pd.DataFrame(index=GENES))
