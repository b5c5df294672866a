"""`get.kinetics`: the kinetic constants as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._columns import unwrap
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.fitting.load import load_dynamics

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def kinetics(adata: AnnData | MuData, *, mod: str | None = None, key: str = DEFAULT_KEY) -> pd.DataFrame:
    """List the kinetic constants of a fitted network in natural units.

    Parameters
    ----------
    adata
        What `tl.fit` was called on.
    mod
        Modality of a MuData.
    key
        The `key_added` of the fit.

    Returns
    -------
    One row per constant with the columns `name`, `regulator` (missing where all regulators share it) and `value`; a fit
    with several members has its mean, and also `sd`.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> sorted(set(sc_c.get.kinetics(adata)["name"]))
    ['K', 'gamma', 'n']
    """
    result = decode(unwrap(adata, mod).adata, key)
    members = {name: value.numpy() for name, value in load_dynamics(result).named_values().items()}
    rows = []
    for name, value in result.kinetics.items():
        values = np.atleast_1d(np.asarray(value))
        # Only constants of each regulator are arrays.
        owners = result.regulators if np.ndim(value) else (None,)
        spread = np.atleast_1d(members[name].std(0, ddof=1)) if len(members[name]) > 1 else [np.nan] * len(values)
        rows += [(name, owner, float(v), float(s)) for owner, v, s in zip(owners, values, spread, strict=True)]
    table = pd.DataFrame(rows, columns=["name", "regulator", "value", "sd"]).astype({"regulator": object})
    return table if result.A_sd is not None else table.drop(columns="sd")
