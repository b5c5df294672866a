"""Tells log-normalised values, counts and scaled values apart, and says where the wanted ones are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import scipy.sparse as sp

from scclamp._errors import InputError
from scclamp._source import layer_names, open_layer
from scclamp._streaming import ValueStats

if TYPE_CHECKING:
    from anndata import AnnData

Expects = Literal["lognorm", "counts"]

LARGEST_LOG = 50.0
"""No logarithm of expression comes near this; it is also the upper bound of a state."""
LARGEST_SMALL_COUNT = 20.0
MANY = 100
_PEEK = 256


def problem(stats: ValueStats, expects: Expects) -> str | None:
    """What speaks against values being of the wanted kind, or None.

    Log-normalised values are refused when one is negative (scaled values, fold changes); when one is above 50 (linear
    scale); or when all are whole numbers, some are not zero, and it is no coincidence: they are stored as integers, or
    one is above 20, or there are more than a hundred. A matrix of zeros, and a small one that happens to hold whole
    numbers, pass. Counts are refused when one is negative or not a whole number.

    Parameters
    ----------
    stats
        What was seen.
    expects
        The wanted kind.

    Examples
    --------
    >>> problem(ValueStats(maximum=4.2, integral=False, n_nonzero=10), "lognorm") is None
    True
    >>> problem(ValueStats(maximum=812.0, n_nonzero=10), "lognorm")
    'holds whole numbers up to 812, which look like counts'
    """
    if stats.minimum < 0:
        return f"holds negative values (down to {stats.minimum:.4g}), which look like scaled values or fold changes"
    if expects == "counts":
        return None if stats.integral else f"holds fractions (up to {stats.maximum:.4g}), which are not counts"
    certain = stats.integer_dtype or stats.maximum > LARGEST_SMALL_COUNT or stats.n_nonzero > MANY
    if stats.integral and stats.n_nonzero and certain:
        return f"holds whole numbers up to {stats.maximum:.6g}, which look like counts"
    if stats.maximum > LARGEST_LOG:
        return f"holds values up to {stats.maximum:.6g}, which were not brought to a log scale"
    return None


def require_values(adata: AnnData, layer: str | None, stats: ValueStats, *, expects: Expects = "lognorm") -> None:
    """Raise an `InputError` with the remedy when values are not of the wanted kind.

    Parameters
    ----------
    adata
        Where other layers are looked at for the remedy.
    layer
        The layer that was read; None is `X`.
    stats
        What was seen in it.
    expects
        The wanted kind.
    """
    found = problem(stats, expects)
    if found is None:
        return
    wanted = "log-normalised values" if expects == "lognorm" else "counts"
    candidates = [key for key in (None, *layer_names(adata)) if key != layer and _looks_right(adata, key, expects)]
    if candidates:
        remedy = f"{wanted} seem to be in {' or '.join(map(_called, candidates[:3]))}; pass that"
    elif expects == "counts":
        remedy = f"Pass the layer= that holds {wanted}, or load the screen with its raw counts"
    elif stats.integral and stats.minimum >= 0:
        remedy = (
            "Call scclamp.pp.recipe(adata) first (or scanpy.pp.normalize_total and scanpy.pp.log1p), "
            f"or pass the layer= that holds {wanted}"
        )
    elif stats.minimum >= 0:
        remedy = f"Call scanpy.pp.log1p(adata) first, or pass the layer= that holds {wanted}"
    else:
        remedy = f"Pass the layer= that holds {wanted}, as they were before scaling"
    raw = " adata.raw may hold them: see adata.raw.to_adata()." if adata.raw is not None and not candidates else ""
    msg = f"{_called(layer)} {found}, but {wanted} are needed. {remedy[0].upper()}{remedy[1:]}.{raw}"
    raise InputError(msg)


def peek(adata: AnnData, layer: str | None) -> ValueStats:
    """Statistics of the first few rows, or columns where those are what is stored together."""
    source = open_layer(adata, layer)
    stats = ValueStats(integer_dtype=source.dtype.kind in "biu")
    length = source.shape[0] if source.by_rows else source.shape[1]
    block = source.read(0, min(length, _PEEK))
    values = block.data if sp.issparse(block) else block
    stats.update(values[np.isfinite(values)])
    return stats


def _called(layer: str | None) -> str:
    return "layer=None (X)" if layer is None else f"layer={layer!r}"


def _looks_right(adata: AnnData, layer: str | None, expects: Expects) -> bool:
    try:
        stats = peek(adata, layer)
    except InputError:
        return False  # an empty X, or a layer of text or objects, is no candidate
    return stats.n_nonzero > 0 and problem(stats, expects) is None
