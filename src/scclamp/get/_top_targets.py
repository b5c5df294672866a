"""`get.top_targets`: the strongest edges of each regulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from scclamp._arguments import require_choice, require_whole
from scclamp._errors import InputError
from scclamp._keys import DEFAULT_KEY
from scclamp.get._adjacency import adjacency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from mudata import MuData

_SIGNS = {"positive": 1, "negative": -1}


def top_targets(
    adata: AnnData | MuData,
    regulators: str | Sequence[str] | None = None,
    *,
    n: int = 25,
    by: Literal["weight", "confidence"] = "weight",
    sign: Literal["positive", "negative"] | None = None,
    effect: Literal["gain", "loss"] | None = None,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
) -> pd.DataFrame:
    """List the strongest targets of each regulator, itself left out.

    Weights of regulators that the panel does not measure (`latent`) cannot be compared with those of others, nor can their
    signs: see :func:`scclamp.get.adjacency`, and ask for an `effect` where there are both.

    Parameters
    ----------
    adata
        What `tl.fit` was called on.
    regulators
        Regulators to list; all by default.
    n
        Targets of each.
    by
        `"weight"` ranks by absolute weight (or effect, where one is asked for), `"confidence"` by absolute weight over its
        spread in the ensemble.
    sign
        Only targets with `"positive"` or `"negative"` weights (or effects): those activated or repressed; both by default.
    effect
        What the perturbations do to the gene product, `"gain"` or `"loss"`; adds the column `effect`, what the product does
        to the target, comparable over regulators. As in :func:`scclamp.get.adjacency`.
    mod
        Modality of a MuData.
    key
        The `key_added` of the fit.

    Returns
    -------
    One row per edge: the columns of `get.adjacency` and `rank`, regulators in order and their first target first.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> sc_c.get.top_targets(adata, ["REG01", "REG02"], n=2)[["regulator", "rank"]]
      regulator  rank
    0     REG01     1
    1     REG01     2
    2     REG02     1
    3     REG02     2
    """
    n = require_whole("n", n)
    require_choice("by", by, ("weight", "confidence"))
    if sign is not None:
        require_choice("sign", sign, tuple(_SIGNS))
    edges = adjacency(adata, regulators=regulators, effect=effect, mod=mod, key=key)
    if sign is not None:
        edges = edges[np.sign(edges["weight" if effect is None else "effect"]) == _SIGNS[sign]]
    if by == "confidence":
        edges = _by_confidence(edges)
    order = {name: i for i, name in enumerate(pd.unique(_requested(regulators, edges)))}
    top = edges.groupby("regulator", sort=False).head(n)
    top = top.sort_values("regulator", key=lambda column: column.map(order), kind="stable", ignore_index=True)
    return top.assign(rank=top.groupby("regulator", sort=False).cumcount() + 1)


def _requested(regulators: str | Sequence[str] | None, edges: pd.DataFrame) -> np.ndarray:
    """Regulators in the order asked for, or sorted."""
    if regulators is None:
        return np.sort(edges["regulator"].unique())
    return np.array([regulators] if isinstance(regulators, str) else list(regulators), object)


def _by_confidence(edges: pd.DataFrame) -> pd.DataFrame:
    if "sd" not in edges:
        raise InputError("by='confidence' needs several members. Fit with n_seeds=5, or use by='weight'.")
    weight, sd = np.abs(edges["weight"].to_numpy()), edges["sd"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(weight > 0, weight / sd, 0.0)
    return edges.iloc[np.argsort(-ratio, kind="stable")]
