"""Write `golden-v<schema>.h5ad`: a tiny screen with a fit in it, kept for ever so that later versions must read it.

Run `python tests/data/make_golden.py` once for each released schema version; never overwrite an older file.
The tests also take their example from here.
"""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from scclamp._files import write
from scclamp._keys import SCHEMA_VERSION
from scclamp._result import Result
from scclamp._storage import encode

GENES = tuple(f"GENE{i}" for i in range(12))


def example_result(dtype: str = "float64", members: int = 2) -> Result:
    """A result with every kind of value, from closed formulas: 12 genes x 3 regulators, one of them latent."""
    i, j = np.mgrid[:12, :3]
    weights = np.sin(1.0 + i * 3 + j).astype(dtype)
    return Result(
        A=weights,
        A_sd=np.cos(1.0 + i * 3 + j).astype(dtype) ** 2,
        b=np.sqrt(np.arange(12.0)).astype(dtype),
        genes=GENES,
        regulators=("GENE2", "GENE7", "HIDDEN"),
        regulator_rows=np.array([2, 7, -1]),
        control_mean=np.exp(-np.arange(12.0)),
        kinetics={"gamma": 0.1, "n": 2.0, "K": np.array([0.3, 1 / 3, np.pi]), "dynamics": "hill", "saturating": False},
        history=pd.DataFrame(
            {
                "epoch": [0, 1, 2],
                "loss": [1.1, np.nan, 0.1],
                "status": ["ok", "rejected", "ok"],
                "best": [True, False, True],
            }
        ),
        params={"lr": 1e-3, "betas": (0.9, 0.999), "patience": None, "bound": float("inf"), "name": "α/β"},
        members={"A": np.stack([weights * (s + 1) for s in range(members)]), "log_n": np.linspace(-0.0, 1, members)},
        conditions={
            "names": np.array(["control", "GENE2", "GENE2+GENE7", "HIDDEN"]),
            "clamp_mask": np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 0, 1]], dtype=bool),
            "clamp_values": np.array([[0, 0, 0], [2.5, 0, 0], [2.5, 0.1, 0], [0, 0, 1]]),
            "train_n": np.array([100, 50, 25, 10]),
            "control": "control",
        },
        diagnostics={"spectral_radius": np.array([0.5, 0.25, np.nan, np.inf]), "epochs": 3, "converged": True},
    )


def example_adata(result: Result | None = None) -> anndata.AnnData:
    """A screen of 6 cells that holds the example."""
    counts = (np.arange(72, dtype="float32").reshape(6, 12) * 7) % 5
    obs = pd.DataFrame({"perturbation": ["control", "control", "GENE2", "GENE2", "GENE2+GENE7", "HIDDEN"]})
    adata = anndata.AnnData(counts, obs=obs.set_index(obs.index.astype(str)), var=pd.DataFrame(index=list(GENES)))
    encode(adata, result or example_result())
    return adata


if __name__ == "__main__":
    write(example_adata(), Path(__file__).parent / f"golden-v{SCHEMA_VERSION}.h5ad", compression=None)
