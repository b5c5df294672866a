"""Fitted results in the fields of an AnnData, and back again with every bit checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._digest import digest_names, dump_json, load_json
from scclamp._errors import InputError, StorageError, list_some
from scclamp._keys import DEFAULT_KEY, SCHEMA_VERSION, Keys
from scclamp._result import Result, plain_value

if TYPE_CHECKING:
    from anndata import AnnData

_ABSENT = object()
_IN_UNS = (
    "kinetics",
    "history",
    "regulators",
    "regulator_rows",
    "genes",
    "control_mean",
    "members",
    "conditions",
    "diagnostics",
)
_MARKS = {"params", "schema_version", "sha256"}
"""What an entry of `uns` holds when it is a fit."""
_CONCAT = "(anndata.concat keeps a fit with merge='same', uns_merge='same'.)"


def encode(adata: AnnData, result: Result, key_added: str = DEFAULT_KEY) -> None:
    """Write a result into an AnnData, all of it or nothing.

    Parameters
    ----------
    adata
        Annotated data whose `var_names` are the genes of the result. A view becomes a copy of its own.
    result
        What was fitted.
    key_added
        Prefix of every field.

    Returns
    -------
    Nothing; sets these fields:

    `adata.varm[key_added + "_A"]`
        Weights (float, genes x regulators); `_A_sd` beside it for an ensemble.
    `adata.var[key_added + "_b"]`
        Basal rates (float).
    `adata.var[key_added + "_regulator"]`
        Whether the gene is a regulator (bool).
    `adata.uns[key_added]`
        Everything else: `params` (JSON), `kinetics`, `history`, `regulators`, `regulator_rows`, `genes`,
        `control_mean`, `members`, `conditions`, `diagnostics`, `schema_version` and `sha256` (a JSON object with the
        digest of each field).

    Raises
    ------
    InputError
        When the AnnData has other genes, or is a view of a file.
    """
    keys = Keys(key_added)
    if not key_added or "/" in key_added:
        msg = f"key_added={key_added!r} must be a name without '/'."
        raise InputError(msg)
    if tuple(adata.var_names) != result.genes:
        msg = f"The {adata.n_vars} var_names of adata are not the {len(result.genes)} genes of the result, in order."
        raise InputError(msg)
    own(adata)
    uns = {name: _storable(getattr(result, name)) for name in _IN_UNS}
    uns |= {"params": dump_json(result.params), "schema_version": SCHEMA_VERSION, "sha256": dump_json(result.digests)}
    _put(
        [
            (adata.varm, keys.A, result.A.copy()),
            (adata.varm, keys.A_sd, _ABSENT if result.A_sd is None else result.A_sd.copy()),
            (adata.var, keys.b, result.b.copy()),
            (adata.var, keys.regulator, _is_regulator(result)),
            (adata.uns, keys.uns, uns),
        ]
    )


def decode(adata: AnnData, key: str = DEFAULT_KEY) -> Result:
    """Read a result from an AnnData and check every bit of it.

    The genes may be in another order than at the fit; the result is always in the order of the fit, see
    :func:`gene_order`. Genes may not be missing, be new or have other names.

    Parameters
    ----------
    adata
        Annotated data that :func:`encode` wrote to.
    key
        The `key_added` of the fit.

    Raises
    ------
    InputError
        When there is no fit under `key`, or the genes are not those of the fit.
    StorageError
        When a field is missing or changed since the fit, or written by a newer scclamp.
    """
    keys, uns = Keys(key), _fit_entry(adata, key)
    recorded = _recorded(uns, key)
    missing = [name for name in _IN_UNS if name not in uns]
    missing += [field for field, frame in ((keys.A, adata.varm), (keys.b, adata.var)) if field not in frame]
    if missing:
        raise _changed(key, missing, "" if set(missing) <= set(_IN_UNS) else f" {_CONCAT}")
    order = _order(adata, _genes(uns, recorded, key), key)
    values = {name: uns[name] for name in _IN_UNS}
    values |= {"A": np.asarray(adata.varm[keys.A])[order], "b": np.asarray(adata.var[keys.b])[order]}
    if keys.A_sd in adata.varm:
        values["A_sd"] = np.asarray(adata.varm[keys.A_sd])[order]
    try:
        result = Result(params=load_json(_plain(uns, "params", key)), **values)
    except (InputError, TypeError, ValueError, AttributeError) as error:
        msg = f"The fit {key!r} is damaged: {error} Restore the file from a copy, or run scclamp.tl.fit again."
        raise StorageError(msg) from error
    found = result.digests
    changed = sorted(name for name in recorded.keys() | found.keys() if recorded.get(name) != found.get(name))
    marks = adata.var.get(keys.regulator)
    if marks is None or not np.array_equal(np.asarray(marks)[order], _is_regulator(result)):
        changed.append(keys.regulator)
    if changed:
        raise _changed(key, changed)
    return result


def own(adata: AnnData) -> None:
    """Make a view an AnnData of its own, so that it can be written to; refuse the view of a file."""
    if not adata.is_view:
        return
    if adata.isbacked:
        msg = "adata is a view of a file. Call adata.to_memory() first."
        raise InputError(msg)
    adata._init_as_actual(adata.copy())  # as scanpy does: writing to a view would warn and do the same


def find_fits(adata: AnnData) -> list[str]:
    """List the keys under which an AnnData holds a fit."""
    return [str(key) for key, value in adata.uns.items() if isinstance(value, Mapping) and value.keys() >= _MARKS]


def require_room(adata: AnnData, key_added: object, parts: frozenset[str], function: str) -> None:
    """Refuse a key of `uns` that is no name, or under which something else than an earlier result of a function stands.

    Parameters
    ----------
    adata
        What will be written to.
    key_added
        The key.
    parts
        What an entry of that function holds.
    function
        Its name.
    """
    if not isinstance(key_added, str) or not key_added or "/" in key_added:
        raise InputError(f"key_added={key_added!r} must be a name without '/'. Leave it out for the usual one.")
    there = adata.uns.get(key_added)
    if there is not None and not (isinstance(there, Mapping) and there.keys() >= parts):
        raise InputError(
            f"key_added={key_added!r}: uns[{key_added!r}] holds something else than a result of {function}, which would be lost. "
            "Choose another name."
        )


def gene_order(adata: AnnData, result: Result) -> np.ndarray:
    """Position of each variable of an AnnData among the genes of a result.

    `values[..., gene_order(adata, result)]` brings values over the genes of the fit to the order of `adata`.
    """
    return pd.Index(result.genes).get_indexer(adata.var_names)


def _storable(value: Any) -> object:
    """Copy a value so that it shares no memory with the result, in a type that every file format holds."""
    if isinstance(value, tuple):
        return np.array(value, dtype=str)
    if isinstance(value, dict):
        return {key: item.copy() if isinstance(item, np.ndarray) else item for key, item in value.items()}
    return value.copy()


def _is_regulator(result: Result) -> np.ndarray:
    mask = np.zeros(len(result.genes), dtype=bool)
    mask[result.regulator_rows[result.regulator_rows >= 0]] = True
    return mask


def _put(writes: Iterable[tuple[Any, str, object]]) -> None:
    """Set or delete entries of several mappings or data frames; on any failure all are as before."""
    done = []
    try:
        for mapping, key, value in writes:
            done.append((mapping, key, mapping[key] if key in mapping else _ABSENT))
            _set(mapping, key, value)
    except BaseException:
        for mapping, key, value in reversed(done):
            _set(mapping, key, value)
        raise


def _set(mapping: Any, key: str, value: object) -> None:
    if value is not _ABSENT:
        mapping[key] = value
    elif key in mapping:
        del mapping[key]


def _fit_entry(adata: AnnData, key: str) -> Mapping[str, Any]:
    if key not in find_fits(adata):
        known = find_fits(adata)
        there = f"Fits found: {list_some(known)}." if known else "It holds no fit."
        msg = f"key={key!r} is no fit of adata. {there} Run scclamp.tl.fit(adata) first, or give the key of a fit. {_CONCAT}"
        raise InputError(msg)
    return adata.uns[key]


def _recorded(uns: Mapping[str, Any], key: str) -> dict[str, str]:
    version = _plain(uns, "schema_version", key)
    if not isinstance(version, int) or version < 1:
        raise _changed(key, ["schema_version"])
    if version > SCHEMA_VERSION:
        msg = (
            f"The fit {key!r} has schema version {version}, this scclamp reads up to {SCHEMA_VERSION}. "
            "Update scclamp to read it."
        )
        raise StorageError(msg)
    try:
        return dict(load_json(_plain(uns, "sha256", key)))
    except (ValueError, TypeError) as error:
        raise _changed(key, ["sha256"]) from error


def _plain(uns: Mapping[str, Any], name: str, key: str) -> Any:
    try:
        return plain_value(uns[name], name)
    except (InputError, UnicodeDecodeError) as error:
        raise _changed(key, [name]) from error


def _genes(uns: Mapping[str, Any], recorded: dict[str, str], key: str) -> list[str]:
    genes = np.asarray(_plain(uns, "genes", key)).ravel().tolist()
    if digest_names(genes) != recorded.get("genes"):
        raise _changed(key, ["genes"])
    return genes


def _order(adata: AnnData, genes: list[str], key: str) -> np.ndarray:
    """Position in `adata` of each gene of the fit."""
    order = adata.var_names.get_indexer(pd.Index(genes)) if adata.var_names.is_unique else np.full(len(genes), -1)
    missing = [gene for gene, position in zip(genes, order, strict=True) if position < 0]
    if missing or adata.n_vars != len(genes):
        new = list_some(sorted(set(adata.var_names) - set(genes)))
        has = f"adata has {adata.n_vars} of them" if not new else f"adata has {adata.n_vars}, not all of them the same"
        parts = [f"missing {list_some(missing)}"] if missing else []
        parts += [f"new {new}"] if new else []
        msg = (
            f"The fit {key!r} is of {len(genes)} genes, {has}: {', '.join(parts) or 'var_names are not unique'}. "
            "Use the AnnData that was fitted (subset observations, not variables), or run scclamp.tl.fit on this one."
        )
        raise InputError(msg)
    return order


def _changed(key: str, names: list[str], hint: str = "") -> StorageError:
    return StorageError(
        f"The fit {key!r} is damaged: {', '.join(names)} changed since it was written, or missing. "
        f"Restore the file from a copy, or run scclamp.tl.fit again.{hint}"
    )
