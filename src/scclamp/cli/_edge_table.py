"""The network as a table of edges that says which regulators were not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def edges_of(data: Any, *, mod: str | None, key: str, **chosen: Any) -> pd.DataFrame:
    """Edges, the strongest first, with the column `latent`: the weight is then what the perturbation does, not the product.

    Parameters
    ----------
    data
        What holds the fit.
    mod, key
        Where the fit stands.
    chosen
        Which edges, as `get.adjacency` takes it.
    """
    from scclamp import get
    from scclamp._columns import unwrap
    from scclamp._storage import decode

    result = decode(unwrap(data, mod).adata, key)
    latent = [name for name, row in zip(result.regulators, result.regulator_rows, strict=True) if row < 0]
    edges = get.adjacency(data, mod=mod, key=key, **chosen)
    return edges.assign(latent=edges["regulator"].isin(latent))
