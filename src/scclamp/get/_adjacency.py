"""`get.adjacency`: the network as a table of edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from scclamp._arguments import positions
from scclamp._columns import unwrap
from scclamp._errors import InputError
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.fitting import effective_weights
from scclamp.fitting.load import load_dynamics, stored_point
from scclamp.get._effects import product_effects

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
    effect: Literal["gain", "loss"] | None = None,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
) -> pd.DataFrame:
    """List the edges of a fitted network, the strongest first.

    Weights of measured regulators are per unit of a regulator's activation: a positive one activates. A regulator that the
    panel does not measure (`latent`) has a dose of its own instead, 0 in the control and 1 where it is perturbed, so that its
    weight is the response to its perturbation: a loss that lowers a target has a negative weight, though the product
    activates. The two cannot be compared, nor can their signs. `effect` says what the perturbations did, and adds what the
    product of every regulator does, in one unit.

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
    effect
        What the perturbations do to the gene product, as in :func:`scclamp.tl.enrich`: `"gain"` (activation, overexpression)
        or `"loss"` (knock-out, knock-down). Adds the column `effect`, by which edges are then ordered.
    mod
        Modality of a MuData.
    key
        The `key_added` of the fit.

    Returns
    -------
    One row per edge with the columns `regulator`, `target`, `weight` and `latent` (whether the panel does not measure the
    regulator). With `effect` also that: by how much the regulator's product raises the target (below 0 where it represses),
    in units of expression: the direct change as the regulator goes from the control to its perturbation, all others staying
    in the control; of losses the other way round. A fit with several members also has `sd`, their spread around the weight
    (see `tl.fit`), and `sign_agreement`, the share of resamples whose weight has its sign.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> edges = sc_c.get.adjacency(adata, regulators="REG01")
    >>> list(edges.columns), len(edges)
    (['regulator', 'target', 'weight', 'latent'], 59)
    """
    result = decode(unwrap(adata, mod).adata, key)
    if not min_weight >= 0:
        raise InputError(f"min_weight={min_weight!r} must be 0 or above: it is compared with absolute weights.")
    columns = positions("regulators", regulators, result.regulators)
    rows = positions("targets", targets, result.genes)
    weight = result.A[np.ix_(rows, columns)].T
    effects = None if effect is None else product_effects(result, effect, columns)[rows].T
    keep = np.abs(weight) >= min_weight
    if not include_self:
        keep &= result.regulator_rows[columns][:, None] != rows[None, :]
    found = keep.nonzero()
    # A regulator whose perturbation moved nothing has no effects, but still its strongest weights.
    strength = np.abs(weight if effects is None else effects)[found]
    order = np.lexsort((-np.abs(weight[found]), -strength))
    i, j = (index[order] for index in found)
    table = {
        "regulator": np.array(result.regulators, object)[columns[i]],
        "target": np.array(result.genes, object)[rows[j]],
        "weight": weight[i, j],
        "latent": (result.regulator_rows < 0)[columns[i]],
    }
    if effects is not None:
        table["effect"] = effects[i, j]
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
