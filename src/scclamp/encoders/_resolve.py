"""From what a user passes as `encoder=` to an encoder, and to the mean encodings that a fit matches."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from scclamp._columns import unwrap
from scclamp._errors import InputError, did_you_mean
from scclamp._settings import settings
from scclamp._source import open_layer
from scclamp._split import TRAIN, VALIDATION
from scclamp._streaming import encoded_sums, selector
from scclamp.encoders._cache import Cached
from scclamp.encoders._identity import Identity
from scclamp.encoders._panel import require_panel
from scclamp.encoders._pca import PCA
from scclamp.encoders._rows import encode_observations, encode_rows
from scclamp.encoders._wrap import as_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from scclamp._assignment import Assignment
    from scclamp._source import Source
    from scclamp.conditions import Conditions
    from scclamp.encoders._encoder import Encoder

_NAMES = ("identity", "pca")
_READERS = {
    **{name.casefold(): f"{name}.from_checkpoint" for name in ("ScGPT", "GREmLN", "Geneformer", "ScPRINT")},
    "scvi": "SCVI.from_saved",
}
"""What reads a model that somebody asks for by its name."""
_logger = logging.getLogger(__name__)
_AT_A_TIME = 512
"""Observations between two steps of the progress bar, and in one entry of a cache: what an interrupted pass loses at most."""


def resolve(
    encoder: str | Encoder | torch.nn.Module | Callable[[torch.Tensor], torch.Tensor],
    data: Any,
    *,
    cells: Assignment,
    layer: str | None = None,
    mod: str | None = None,
    rng: int | np.random.Generator | None = None,
) -> Encoder:
    """Return the encoder that is meant, fitted to the control cells where it has to be.

    Parameters
    ----------
    encoder
        `"identity"`, `"pca"`, an encoder, a module or a function.
    data
        AnnData or MuData.
    cells
        Condition and role of every observation.
    layer, mod
        Where the expression is.
    rng
        Seed or generator, for encoders that need one.
    """
    if isinstance(encoder, str) and encoder == "identity":
        return Identity()
    if isinstance(encoder, str) and encoder == "pca":
        pca = PCA.from_data(data, cells=cells, layer=layer, mod=mod, rng=rng)
        if pca.components.shape[0] == pca.components.shape[1]:
            _logger.warning(
                "encoder='pca' keeps all %d components of a panel of %d genes, which is the identity turned around. Fewer are "
                "PCA.from_data(adata, n_components=10) of scclamp.encoders.",
                *pca.components.shape[::-1],
            )
        return pca
    if isinstance(encoder, str):
        msg = f"encoder={encoder!r} is not known.{did_you_mean(encoder, _NAMES)} Use {' or '.join(map(repr, _NAMES))}, "
        raise InputError(f"{msg}or pass any differentiable module or function.{_how_to_read(encoder)}")
    lens = as_encoder(encoder)
    require_panel(lens, unwrap(data, mod).adata.var_names)
    return lens


def _how_to_read(name: str) -> str:
    """What to call for a model that was asked for by its name, or an empty string."""
    reader = _READERS.get(name.casefold())
    return f" A trained model is read first, by scclamp.encoders.{reader}." if reader else ""


def affine_means(encoder: Encoder, conditions: Conditions) -> tuple[np.ndarray, np.ndarray]:
    """Mean encodings of training and validation cells by an affine encoder, for which the means of the cells are enough."""
    return encode_rows(encoder, conditions.train_mean), encode_rows(encoder, conditions.val_mean)


def encoded_means(
    encoder: Encoder,
    conditions: Conditions,
    data: Any,
    *,
    cells: Assignment,
    chunk_size: int = _AT_A_TIME,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean encodings of the training and the validation cells of every condition.

    Parameters
    ----------
    encoder
        The lens.
    conditions
        Conditions whose means are wanted, read from `data`.
    data
        AnnData or MuData.
    cells
        Condition and role of every observation; may hold more conditions.
    chunk_size
        Rows encoded at a time, for encoders that are not affine.

    Returns
    -------
    Means (..., conditions, d) of training and of validation cells; rows without cells are NaN.
    """
    if encoder.affine:
        return affine_means(encoder, conditions)
    if conditions.train_mean.ndim > 2:
        msg = (
            f"bootstrap=True with encoder={encoder.name!r} is not supported: its means need a pass over the cells for every "
            "replicate. Use n_seeds without bootstrap, or an affine encoder (identity, pca, or affine=True)."
        )
        raise InputError(msg)
    # All conditions and both roles in one pass: what is encoded together, and may be cached, then depends on no split.
    wanted = np.full(len(cells.names) + 1, -1)
    wanted[[cells.names.index(name) for name in conditions.names]] = np.arange(conditions.n_conditions)
    codes = wanted[cells.codes]
    roles = (TRAIN, VALIDATION)
    groups = sp.csc_array(
        sp.vstack([selector(np.where(cells.roles == role, codes, -1), conditions.n_conditions) for role in roles])
    )
    source = open_layer(unwrap(data, conditions.mod).adata, conditions.layer)
    rows = (
        encoder.observations(conditions.genes) if isinstance(encoder, Cached) else partial(encode_observations, encoder)
    )
    sums = _watched(encoder.name, source, groups, rows, chunk_size)
    n = np.asarray(groups.sum(1)).reshape(-1, 1)
    train, validation = np.split(np.where(n > 0, sums / np.maximum(n, 1), np.nan), 2)
    return train, validation


def _watched(
    name: str, source: Source, groups: sp.csc_array, rows: Callable[[np.ndarray], np.ndarray], chunk_size: int
) -> np.ndarray:
    """Sums of encodings, with a progress bar: a large model takes hours over many cells."""
    from tqdm.auto import tqdm

    used = int((np.diff(groups.indptr) > 0).sum())
    with tqdm(total=used, desc=f"encode: {name}", unit=" cells", disable=not settings.show_progress()) as bar:

        def encode(block: np.ndarray) -> np.ndarray:
            found = rows(block)
            bar.update(len(block))
            return found

        return encoded_sums(source, groups, encode, chunk_size=chunk_size)
