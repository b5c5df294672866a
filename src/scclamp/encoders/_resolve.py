"""From what a user passes as `encoder=` to an encoder, and to the mean encodings that a fit matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scclamp._columns import unwrap
from scclamp._errors import InputError, did_you_mean
from scclamp._source import open_layer
from scclamp._split import TRAIN, VALIDATION
from scclamp._streaming import CHUNK_SIZE, encoded_sums, selector
from scclamp.encoders._encoder import Encoder
from scclamp.encoders._identity import Identity
from scclamp.encoders._pca import PCA
from scclamp.encoders._wrap import as_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from scclamp._assignment import Assignment
    from scclamp.conditions import Conditions

_NAMES = ("identity", "pca")


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
    if encoder == "identity":
        return Identity()
    if encoder == "pca":
        return PCA.from_data(data, cells=cells, layer=layer, mod=mod, rng=rng)
    if isinstance(encoder, str):
        msg = f"encoder={encoder!r} is not known.{did_you_mean(encoder, _NAMES)} Use {' or '.join(map(repr, _NAMES))}, "
        raise InputError(msg + "or pass any differentiable module or function.")
    return as_encoder(encoder)


def affine_means(encoder: Encoder, conditions: Conditions) -> tuple[np.ndarray, np.ndarray]:
    """Mean encodings of training and validation cells by an affine encoder, for which the means of the cells are enough."""
    return _of_means(encoder, conditions.train_mean), _of_means(encoder, conditions.val_mean)


def encoded_means(
    encoder: Encoder,
    conditions: Conditions,
    data: Any,
    *,
    cells: Assignment,
    chunk_size: int = CHUNK_SIZE,
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
    at = [cells.names.index(name) for name in conditions.names]
    source = open_layer(unwrap(data, conditions.mod).adata, conditions.layer)
    means: list[np.ndarray] = []
    for role in (TRAIN, VALIDATION):
        n = cells.counts(role)
        groups = selector(np.where(cells.roles == role, cells.codes, -1), len(cells.names))
        if not n.any():
            means.append(np.full_like(means[0], np.nan))
            continue
        sums = encoded_sums(source, groups, lambda rows: _of_means(encoder, rows), chunk_size=chunk_size)
        means.append(np.where(n[:, None] > 0, sums / np.maximum(n, 1)[:, None], np.nan)[at])
    return means[0], means[1]


def _of_means(encoder: Encoder, rows: np.ndarray) -> np.ndarray:
    """Encode rows of float64 as they are, in the precision of the encoder's own parameters where it has any."""
    if isinstance(encoder, Identity):
        return rows
    dtype, device = placement(encoder)
    with torch.no_grad():
        return encoder.encode(torch.as_tensor(rows, dtype=dtype, device=device)).to(torch.float64).cpu().numpy()


def placement(encoder: Encoder) -> tuple[torch.dtype, torch.device]:
    """Precision and device of an encoder's own parameters; double precision on the CPU where it has none.

    Examples
    --------
    >>> from scclamp.encoders import as_encoder
    >>> placement(as_encoder(torch.nn.Linear(3, 2)))
    (torch.float32, device(type='cpu'))
    """
    parameters = getattr(getattr(encoder, "function", None), "parameters", lambda: iter(()))()
    some = next(iter(parameters), None)
    return (torch.float64, torch.device("cpu")) if some is None else (some.dtype, some.device)
