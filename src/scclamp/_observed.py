"""Observed means of the conditions of a screen, read as its fit read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from scclamp._columns import unwrap
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode, find_fits
from scclamp.conditions import Conditions

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def observed_means(data: AnnData | MuData, mod: str | None = None, key: str = DEFAULT_KEY) -> pd.DataFrame:
    """Mean over all cells of each condition (conditions, genes), by canonical name.

    Parameters
    ----------
    data
        The cells.
    mod
        Modality of a MuData.
    key
        The `key_added` of a fit, which knows the column, the control and the layer; without one they are recognised.
    """
    inner = unwrap(data, mod).adata
    params = decode(inner, key).params if key in find_fits(inner) else {}
    conditions = Conditions.from_anndata(
        data,
        perturbation_key=params.get("perturbation_key"),
        control=params.get("control"),
        layer=params.get("layer"),
        mod=mod,
        train_fraction=1.0,
        unmeasured="latent",
        rng=0,
    )
    return pd.DataFrame(conditions.train_mean, index=pd.Index(conditions.names), columns=pd.Index(conditions.genes))
