"""A checkpoint is a folder: tensors named by their content, and a manifest that is replaced last.

`manifest.json` names the tensor file by its SHA-256 and carries a digest of itself; its bytes must equal the canonical
form, so that one changed bit anywhere is found. Nothing is ever unpickled. NaN and infinities in the state are kept as
`{"$float": "nan"}`; tuples come back as lists.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch

from scclamp._atomic import STALE_SECONDS, atomic_path, remove
from scclamp._digest import digest_names, digest_text, dump_json, load_json
from scclamp._errors import InputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
_FORMAT = "scclamp-checkpoint"
_logger = logging.getLogger(__name__)


def save(
    path: str | os.PathLike[str],
    tensors: Mapping[str, torch.Tensor],
    state: Mapping[str, Any],
    *,
    kind: str,
    genes: Iterable[str],
) -> None:
    """Write a checkpoint; a reader finds the previous one or this one, whole.

    Parameters
    ----------
    path
        Folder of the checkpoint; made when it is not there.
    tensors
        Named tensors of any dtype, shape and device.
    state
        JSON-able configuration, counters, history, random states.
    kind
        What the checkpoint is of; :func:`load` must be asked for the same.
    genes
        Names of the genes that the tensors are about, in order.

    Raises
    ------
    InputError
        When `tensors` or `state` hold what cannot be stored.
    StorageError
        When the disk or the folder refuses; the previous checkpoint is untouched.

    Examples
    --------
    >>> import tempfile, torch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(folder, {"b": torch.ones(2)}, {"epoch": 3}, kind="fit", genes=["GATA1", "KLF1"])
    ...     tensors, state = load(folder, kind="fit", genes=["GATA1", "KLF1"])
    >>> tensors["b"], state
    (tensor([1., 1.]), {'epoch': 3})
    """
    folder = Path(path)
    data = _to_bytes(tensors)
    sha256 = hashlib.sha256(data).hexdigest()
    genes = [str(gene) for gene in genes]
    text = _with_digest(
        {
            "format": _FORMAT,
            "schema_version": SCHEMA_VERSION,
            "kind": kind,
            "genes": {"n": len(genes), "sha256": digest_names(genes), "sha256_sorted": digest_names(sorted(genes))},
            "tensors": {"sha256": sha256, "size": len(data), "names": list(tensors)},
            "state": dict(state),
        }
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"path={str(path)!r} cannot be made a folder ({error}). Choose another path for the checkpoint."
        raise StorageError(msg) from error
    with _locked(folder) as alone:
        with atomic_path(folder / _tensor_name(sha256)) as temporary:
            temporary.write_bytes(data)
        with atomic_path(folder / MANIFEST) as temporary:
            temporary.write_bytes(text.encode())
        _remove_stale(folder, keep={MANIFEST, _tensor_name(sha256)}, alone=alone)


def load(
    path: str | os.PathLike[str], *, kind: str, genes: Iterable[str] | None = None
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read a checkpoint after checking every bit of it.

    Parameters
    ----------
    path
        Folder that :func:`save` wrote.
    kind
        The kind that it must be of.
    genes
        Names that it must be about, in order; None skips the check.

    Returns
    -------
    The tensors on the CPU, in the order they were saved, and the state.

    Raises
    ------
    StorageError
        When it is missing, damaged, newer than this scclamp, of another kind, or about other genes.
    """
    folder = Path(path)
    manifest, data = _read_both(folder)
    name = _tensor_name(manifest["tensors"]["sha256"])
    _match(folder, manifest, kind, genes)
    if hashlib.sha256(data).hexdigest() != manifest["tensors"]["sha256"]:
        raise _damaged(folder, name, f"its {len(data)} bytes do not match the recorded digest")
    try:
        tensors = safetensors.torch.load(data)
        return {name: tensors[name] for name in manifest["tensors"]["names"]}, manifest["state"]
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise _damaged(folder, name, f"not the tensors that the manifest names: {error}") from error


def _to_bytes(tensors: Mapping[str, torch.Tensor]) -> bytes:
    plain = {}
    for name, tensor in tensors.items():
        if not isinstance(name, str) or name == "__metadata__":
            msg = f"tensors has the key {name!r}. Keys must be strings other than '__metadata__'."
            raise InputError(msg)
        if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided:
            msg = f"tensors[{name!r}] is not a dense tensor. Convert it, or put it into `state` when it is JSON."
            raise InputError(msg)
        # a copy, since tensors that share memory (a view and its base) cannot be stored side by side
        plain[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    return safetensors.torch.save(plain)


def _tensor_name(sha256: str) -> str:
    return f"tensors-{sha256[:12]}.safetensors"


def _with_digest(body: dict[str, Any]) -> str:
    return dump_json({**body, "digest": digest_text(dump_json(body))}) + "\n"


def _read_both(folder: Path) -> tuple[dict[str, Any], bytes]:
    text, previous = _read(folder, MANIFEST), b""
    while True:
        manifest = _parse(folder, text)
        try:
            return manifest, _read(folder, _tensor_name(manifest["tensors"]["sha256"]))
        except StorageError:
            # another process may have saved in between and removed these tensors: then take its manifest
            text, previous = _read(folder, MANIFEST), text
            if text == previous:
                raise


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError as error:
        here = "the folder does not exist" if not folder.is_dir() else f"{name!r} is missing in it"
        msg = f"path={str(folder)!r} holds no complete checkpoint: {here}. Check the path, or start the fit without it."
        raise StorageError(msg) from error
    except OSError as error:
        msg = f"path={str(folder)!r}: {name!r} cannot be read ({error}). Check that it is a folder you may read."
        raise StorageError(msg) from error


def _parse(folder: Path, data: bytes) -> dict[str, Any]:
    try:
        manifest = load_json(data.decode())
        if manifest["format"] != _FORMAT:
            raise _damaged(folder, MANIFEST, "it is not the manifest of an scclamp checkpoint")
        version = manifest["schema_version"]
        if version > SCHEMA_VERSION:
            msg = (
                f"path={str(folder)!r} is a checkpoint of schema version {version}, this scclamp reads up to "
                f"{SCHEMA_VERSION}. Update scclamp to read it."
            )
            raise StorageError(msg)
        body = {key: value for key, value in manifest.items() if key != "digest"}
        whole = _with_digest(body).encode() == data
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(folder, MANIFEST, f"it cannot be parsed: {error}") from error
    if not whole:
        raise _damaged(folder, MANIFEST, "its bytes do not match its digest")
    return manifest


def _match(folder: Path, manifest: dict[str, Any], kind: str, genes: Iterable[str] | None) -> None:
    if manifest["kind"] != kind:
        msg = f"path={str(folder)!r} is a checkpoint of kind {manifest['kind']!r}, not {kind!r}. Give another path."
        raise StorageError(msg)
    if genes is None:
        return
    genes, saved = [str(gene) for gene in genes], manifest["genes"]
    if digest_names(genes) == saved["sha256"]:
        return
    what = (
        "the same genes in another order"
        if digest_names(sorted(genes)) == saved["sha256_sorted"]
        else f"other genes ({saved['n']} there, {len(genes)} here)"
    )
    msg = f"path={str(folder)!r} is a checkpoint about {what}. Use the AnnData it was made from, or give another path."
    raise StorageError(msg)


def _damaged(folder: Path, name: str, why: str) -> StorageError:
    return StorageError(
        f"path={str(folder)!r}: {name!r} is damaged: {why}. Restore it from a copy, or delete it and start anew."
    )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the folder against other writers; False where the system has no such lock. A killed holder frees it."""
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    try:
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        msg = f"path={str(folder)!r} cannot be written to ({error}). The checkpoint there is untouched. Choose another."
        raise StorageError(msg) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            _logger.debug("no file locks in %s (%s): old tensors stay there for a day", folder, error)
            alone = False
        else:
            alone = True
        yield alone
    finally:
        os.close(handle)


def _remove_stale(folder: Path, *, keep: set[str], alone: bool) -> None:
    """Remove the tensors of earlier saves and of killed ones.

    Without a lock another process may have written tensors whose manifest is still to come, so only old ones go.
    """
    for file in folder.iterdir():
        ours = file.name.startswith(("tensors-", ".tensors-", f".{MANIFEST}."))
        if not ours or file.name in keep:
            continue
        with contextlib.suppress(FileNotFoundError):
            if alone or time.time() - file.stat().st_mtime > STALE_SECONDS:
                remove(file)
