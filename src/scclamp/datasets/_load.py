"""Opens a data set from the cache or from a user's own file, and notes where it came from."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
from scipy import sparse

from scclamp._errors import InputError, StorageError, did_you_mean, list_some
from scclamp.datasets._download import digest_of, fetch
from scclamp.datasets._house import to_house
from scclamp.datasets._registry import REGISTRY

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from scclamp.datasets._house import Layout

DATASET = "dataset"


def load(name: str, layouts: Mapping[str, Layout], source: str, path: str | os.PathLike[str] | None) -> ad.AnnData:
    """Load a data set in the house form.

    Parameters
    ----------
    name
        Data set.
    layouts
        Layout of each of its sources.
    source
        Which of them.
    path
        A local file in the layout of that source, which no registry vouches for; None for the cached download.

    Returns
    -------
    The data set; the public functions of this face name its fields.
    """
    if source not in layouts:
        hint = did_you_mean(str(source), layouts)
        raise InputError(f"source={source!r} is not known.{hint} Use one of {list_some(layouts)}.")
    file, digest, vouched = _locate(f"{name}/{source}", source, path)
    adata = _read(file)
    try:
        notes = to_house(adata, layouts[source])
    except InputError as error:
        msg = f"{file} was read as source={source!r} of {name}, which is one of {list_some(layouts)}. {error}"
        raise InputError(msg) from error
    adata.uns[DATASET] = {
        "name": name,
        "source": source,
        "digest": digest,
        "checksum_source": vouched,
        "X": layouts[source].X,
        "notes": np.array(notes, dtype=str),
    }
    return adata


def _locate(key: str, source: str, path: str | os.PathLike[str] | None) -> tuple[Path, str, str]:
    """Path of the file, its digest, and who vouches for that."""
    if path is not None:
        if not Path(path).is_file():
            raise StorageError(f"path={str(path)!r} is no file. Give an .h5ad file in the layout of source={source!r}.")
        return Path(path), digest_of(Path(path)), "none: a local file"
    if key not in REGISTRY:
        raise InputError(f"source={source!r} cannot be downloaded. Give path=, a file in the layout of that source.")
    entry = REGISTRY[key]
    file, wanted = fetch(entry), entry.member or entry
    return file, wanted.digest or digest_of(file), wanted.checksum_source


def _read(path: Path) -> ad.AnnData:
    try:
        with warnings.catch_warnings():
            # Genes that share a symbol are given names of their own, which the notes tell.
            warnings.filterwarnings("ignore", "Variable names are not unique")
            adata: Any = ad.read_h5ad(path)
    except OSError as error:
        raise StorageError(f"path={str(path)!r} is no readable .h5ad file ({error}).") from error
    adata.X = sparse.csr_matrix(adata.X)
    for key in list(adata.layers):
        # GEARS stores its counts dense.
        adata.layers[key] = sparse.csr_matrix(adata.layers[key])
    return adata
