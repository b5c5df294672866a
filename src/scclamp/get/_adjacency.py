"""`get.adjacency`: the network as a table of edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._arguments import positions
from scclamp._columns import unwrap
from scclamp._errors import InputError
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.fitting import effective_weights
from scclamp.fitting.load import load_dynamics, stored_point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from mudata import MuData

    from scclamp._result import Result


def adjacency(
    adata: AnnData | MuData,
    *,
    regulators: str | Sequence[str] | None = None,
    targets: str | Sequence[str] | None = None,
    min_weight: float = 0.0,
    include_self: bool = False,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
) -> pd.DataFrame:
    """List the edges of a fitted network, the strongest first.

    Parameters
    ----------
    adata
        What `tl.fit` was called on.
    regulators, targets
        Genes to keep; all by default.
    min_weight
        Smallest absolute weight to keep.
    include_self
        Whether to list the edges of a gene to itself.
    mod
        Modality of a MuData.
    key
        The `key_added` of the fit.

    Returns
    -------
    One row per edge with the columns `regulator`, `target` and `weight`. A fit with several members also
    has `sd`, their spread around it (see `tl.fit`), and `sign_agreement`, the share of resamples whose weight has its sign.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> edges = sc_c.get.adjacency(adata, regulators="REG01")
    >>> list(edges.columns), len(edges)
    (['regulator', 'target', 'weight'], 59)
    """
    result = decode(unwrap(adata, mod).adata, key)
    if not min_weight >= 0:
        raise InputError(f"min_weight={min_weight!r} must be 0 or above: it is compared with absolute weights.")
    columns = positions("regulators", regulators, result.regulators)
    rows = positions("targets", targets, result.genes)
    weight = result.A[np.ix_(rows, columns)].T
    keep = np.abs(weight) >= min_weight
    if not include_self:
        keep &= result.regulator_rows[columns][:, None] != rows[None, :]
    found = keep.nonzero()
    order = np.argsort(-np.abs(weight[found]), kind="stable")
    i, j = (index[order] for index in found)
    table = {
        "regulator": np.array(result.regulators, object)[columns[i]],
        "target": np.array(result.genes, object)[rows[j]],
        "weight": weight[i, j],
    }
    if result.A_sd is not None:
        table["sd"] = result.A_sd[rows[j], columns[i]]
        table["sign_agreement"] = sign_agreement(result)[rows[j], columns[i]]
    return pd.DataFrame(table)


def sign_agreement(result: Result) -> np.ndarray:
    """Share of the members whose weight has the sign of the reported one (genes, regulators); that one itself does not vote."""
    weights = effective_weights(load_dynamics(result)).numpy()
    if stored_point(result) == "first":
        weights = weights[1:]
    return (np.sign(weights) == np.sign(result.A)).mean(0)
