"""`get.kinetics`: the kinetic constants as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._columns import unwrap
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.fitting.ensemble import spread
from scclamp.fitting.load import load_dynamics, stored_point

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
    with several members also has `sd`, their spread around it (see `tl.fit`).

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> sorted(set(sc_c.get.kinetics(adata)["name"]))
    ['K', 'gamma', 'n']
    """
    result = decode(unwrap(adata, mod).adata, key)
    members, point = load_dynamics(result).named_values(), stored_point(result)
    rows = []
    for name, value in result.kinetics.items():
        values = np.atleast_1d(np.asarray(value))
        # Only constants of each regulator are arrays.
        owners = result.regulators if np.ndim(value) else (None,)
        around = spread(members[name], point)
        sd = np.full(len(values), np.nan) if around is None else np.atleast_1d(around.numpy())
        rows += [(name, owner, float(v), float(s)) for owner, v, s in zip(owners, values, sd, strict=True)]
    table = pd.DataFrame(rows, columns=["name", "regulator", "value", "sd"]).astype({"regulator": object})
    return table if result.A_sd is not None else table.drop(columns="sd")
