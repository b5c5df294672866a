"""Does accuracy rank lenses as what they preserve does? Rank correlations, with intervals over lenses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import anndata as ad
import numpy as np
import pandas as pd
from scipy.stats import rankdata

import scclamp as sc_c
from scclamp.encoders import Encoder

DIRECT, FREE = "direct", "gamma, free of scale"
RESAMPLES = 2000


def preserved(adata: ad.AnnData, lenses: dict[str, Encoder], bases: Sequence[str], **settings: object) -> pd.DataFrame:
    """What each lens preserves: in each basis, of the shifts themselves, and free of the scale of the lens.

    `FREE` divides by the square of the best transmission of any direction: 1 where all directions come through alike, however
    a lens scales them.
    """
    basis = "both" if len(bases) > 1 else bases[0]
    found = sc_c.tl.transmission(adata, lenses, basis=basis, rng=0, **settings).set_index(["encoder", "basis"])
    parts = adata.uns["transmission"]["components"]
    best = parts[parts["basis"] == "gamma"].groupby("encoder")["t"].max()
    table = pd.DataFrame({basis: found["preserved"].xs(basis, level="basis") for basis in bases})
    table[DIRECT] = found["direct"].xs("gamma", level="basis")
    table[FREE] = table["gamma"] / best**2
    return table.loc[list(lenses)]


def columns(table: pd.DataFrame, lens: str) -> dict[str, float]:
    """What a row of a table of lenses says of it."""
    return {f"preserved, {name}": float(value) for name, value in table.loc[lens].items()}


def rank_rows(
    screens: Sequence[Sequence[dict[str, object]]], accuracies: Iterable[str], n: int = RESAMPLES
) -> list[dict[str, object]]:
    """Spearman's correlation over lenses, its mean over screens; lenses are drawn anew, the same ones in each screen."""
    tables = [pd.DataFrame(rows) for rows in screens]
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(tables[0]), (n, len(tables[0])))
    found = []
    for accuracy in accuracies:
        for what in [name for name in tables[0] if name.startswith("preserved")]:
            pairs = [(t[what].to_numpy(float), t[accuracy].to_numpy(float)) for t in tables]
            each = [float(_ranks(x[None], y[None])[0]) for x, y in pairs]
            resampled = np.mean([_ranks(x[drawn], y[drawn]) for x, y in pairs], axis=0)
            low, high = np.nanquantile(resampled, [0.025, 0.975])
            row: dict[str, object] = {"accuracy": accuracy, "by what is": what, "lenses": len(tables[0])}
            row |= {"rank correlation": float(np.mean(each)), "95 % low": low, "95 % high": high}
            found.append(row | ({"least of a screen": min(each), "most": max(each)} if len(each) > 1 else {}))
    return found


def _ranks(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's correlation of each row; NaN where one side is constant, which a resample of few lenses may be."""
    x, y = (ranked - ranked.mean(1, keepdims=True) for ranked in (rankdata(x, axis=1), rankdata(y, axis=1)))
    with np.errstate(invalid="ignore"):
        return (x * y).sum(1) / np.sqrt((x * x).sum(1) * (y * y).sum(1))
