"""The cache of downloaded files: each is hashed whenever it is used, and placed as one step."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import ExitStack
from pathlib import Path

from scclamp._atomic import atomic_path, sha256_file
from scclamp._errors import InputWarning, StorageError
from scclamp.datasets._archive import extract
from scclamp.datasets._registry import Member, RemoteFile
from scclamp.datasets._transport import TransferError, check_body, is_page, malformed, transfer

logger = logging.getLogger(__name__)
CACHE_VARIABLE = "SCCLAMP_CACHE"


def cache_folder() -> Path:
    """Folder of downloaded files: the environment variable SCCLAMP_CACHE, or the system's own place for caches."""
    import pooch

    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(pooch.os_cache("scclamp"))


def fetch(file: RemoteFile) -> Path:
    """Path of a file in the cache, downloaded when it is not there or damaged.

    A file whose digest is published must match it. Any other is trusted on first use: its digest is recorded beside it
    as `<name>.sha256` and shown in a warning, and a later file that differs is an error.

    Parameters
    ----------
    file
        Entry of the registry.

    Raises
    ------
    StorageError
        When the file cannot be had; the message says what it is called, what it hashes to and where to put it.
    """
    from filelock import FileLock

    folder = cache_folder()
    wanted = file.member or file
    # Without a lock first, so that a cache that may only be read can be used.
    if _is_good(folder, wanted, file):
        return folder / wanted.name
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(folder / f".{file.name}.lock"))
        except OSError as error:
            msg = f"The cache {str(folder)!r} cannot be written ({error}). Set {CACHE_VARIABLE} to a folder of yours."
            raise StorageError(msg) from error
        return _obtain_member(folder, file, file.member) if file.member is not None else _obtain(folder, file)


def digest_of(path: Path) -> str:
    """SHA-256 of a file in the form of the registry."""
    return f"sha256:{sha256_file(path)}"


def _obtain(folder: Path, file: RemoteFile) -> Path:
    path = folder / file.name
    if _is_good(folder, file, file):
        return path
    expected = _expected(folder, file)
    if path.is_file() and expected is None:
        _trust(path, "was found")
        return path
    damaged = path.is_file()
    try:
        with atomic_path(path) as temporary:
            logger.info("Downloading %s to %s", file.name, path)
            transfer(file, temporary, expected)
    except StorageError as error:
        raise StorageError(_offline_message(path, file, expected, error, damaged=damaged)) from error
    if expected is None:
        _trust(path, "was downloaded")
    return path


def _obtain_member(folder: Path, file: RemoteFile, member: Member) -> Path:
    path = folder / member.name
    if _is_good(folder, member, file):
        return path
    expected = _expected(folder, member)
    if path.is_file() and expected is None:
        _trust(path, "was found")
        return path
    archive = _obtain(folder, file)
    with atomic_path(path) as temporary:
        extract(archive, member, temporary)
        try:
            check_body(temporary, RemoteFile(member.name, ()), expected)
        except TransferError as error:
            msg = f"{member.inside!r} in {archive} {error}. Delete the archive and download it again."
            raise StorageError(msg) from error
    if expected is None:
        _trust(path, f"was taken from {file.name}")
    return path


def _is_good(folder: Path, wanted: RemoteFile | Member, file: RemoteFile) -> bool:
    """Whether the cache holds a file that its published or recorded digest vouches for."""
    import pooch

    path, expected = folder / wanted.name, _expected(folder, wanted)
    if not path.is_file() or expected is None:
        return False
    algorithm, _, digest = expected.partition(":")
    got = pooch.file_hash(str(path), alg=algorithm)
    if got == digest:
        logger.info("%s is %s (checksum: %s)", path, expected, wanted.checksum_source)
        return True
    if wanted.digest is not None:
        logger.warning("%s is damaged: %s:%s instead of %s", path, algorithm, got, expected)
        return False
    msg = (
        f"{path} is {algorithm}:{got}, but it was {expected} when it was first trusted. Nobody publishes its digest, so "
        f"one of the two is wrong or its source {file.urls[0]} has changed. To trust a new copy, delete the file and "
        f"{_record(path).name} beside it."
    )
    raise StorageError(msg)


def _expected(folder: Path, wanted: RemoteFile | Member) -> str | None:
    """Published digest, or the one recorded on first use, or None."""
    if wanted.digest is not None:
        return wanted.digest
    record = _record(folder / wanted.name)
    if not record.is_file():
        return None
    words = record.read_text(encoding="utf-8", errors="replace").split()
    if len(words) != 2 or len(words[0]) != 64:
        msg = f"{record} does not hold the digest of {wanted.name}. Delete it to trust the file anew."
        raise StorageError(msg)
    return f"sha256:{words[0]}"


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _trust(path: Path, how: str) -> None:
    """Record and show the digest of a file that nobody vouches for."""
    fault = "is a web page" if is_page(path) else malformed(path, path.name)
    if fault:
        raise StorageError(f"{path} {fault}. Delete it, and put the right file there or download it again.")
    digest = digest_of(path)
    with atomic_path(_record(path)) as temporary:
        temporary.write_text(f"{digest.removeprefix('sha256:')}  {path.name}\n", encoding="utf-8")
    msg = (
        f"{path.name} {how}, and nobody publishes its checksum: {path} is trusted as {digest}, recorded beside it. "
        "Compare that with another machine's when it matters; a later difference will be an error."
    )
    logger.warning(msg)
    warnings.warn(msg, InputWarning, stacklevel=4)


def _offline_message(path: Path, file: RemoteFile, expected: str | None, error: Exception, *, damaged: bool) -> str:
    there = " The copy in the cache is damaged." if damaged else ""
    must = f"It must be {expected}." if expected else "Nobody publishes its digest."
    return (
        f"{file.name} could not be downloaded.{there} Try again later, or download it with a browser from "
        f"{' or '.join(file.urls)} and put it at {path} (or set {CACHE_VARIABLE} to another folder). {must} What went wrong: {error}."
    )
