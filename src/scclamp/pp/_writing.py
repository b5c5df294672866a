"""Writing to `obs` and `uns`: what must hold is asked before, so that all is written or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from scclamp._errors import InputError

if TYPE_CHECKING:
    from anndata import AnnData


def require_writable(adata: AnnData, argument: str, name: str) -> None:
    """Refuse names that no file can hold, and data whose `obs` cannot be written.

    Examples
    --------
    >>> import anndata as ad, numpy as np
    >>> require_writable(ad.AnnData(np.ones((2, 2))), "added", "a/b")
    Traceback (most recent call last):
    scclamp.errors.InputError: added='a/b' must be a name without '/'. Use for example 'a_b'.
    """
    if not isinstance(name, str) or not name or "/" in name:
        hint = str(name).replace("/", "_") or "split"
        raise InputError(f"{argument}={name!r} must be a name without '/'. Use for example {hint!r}.")
    if not isinstance(adata.obs, pd.DataFrame):
        raise InputError(
            f"{argument}={name!r} cannot be written to a lazy AnnData. Pass adata.to_memory(), or a backed one."
        )
    if adata.is_view and adata.isbacked:
        raise InputError(f"{argument}={name!r} cannot be written to a view of a file. Pass adata.to_memory().")


def write(adata: AnnData, obs: dict[str, Any], uns: dict[str, Any]) -> None:
    """Write columns and records; a view becomes a copy of its own first.

    Examples
    --------
    >>> import anndata as ad, numpy as np
    >>> part = ad.AnnData(np.ones((3, 2)))[:2]
    >>> write(part, {"split": ["train", "val"]}, {})
    >>> part.is_view, list(part.obs["split"])
    (False, ['train', 'val'])
    """
    if adata.is_view:
        adata._init_as_actual(adata.copy())  # as scanpy does: writing to a view would warn and do the same
    for key, column in obs.items():
        adata.obs[key] = column
    adata.uns.update(uns)
