"""Replace a file or a folder as one step: afterwards there is the old one or the new one, never a part of one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from scclamp._errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

STALE_SECONDS = 24 * 3600
"""Age after which what a killed process left beside a target is swept; younger ones may belong to a living writer."""
_SWAP_ATTEMPTS = 20
_FLUSH_THREADS = 16
_PART_BYTES = 2**20
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST}
"""What systems answer when a folder would be renamed to one that is there and not empty."""
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}
"""What file systems that cannot flush a folder answer."""


@contextlib.contextmanager
def atomic_path(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `target` that takes its place when the block succeeds.

    The block writes a file, or makes a folder (a zarr store), at the yielded path, which has the suffix of `target`.
    On success everything is flushed to the disk and renamed. On failure it is removed and `target` is as before.
    A symbolic link is followed, so the link stays and what it points to is replaced.

    A file is replaced in one step. A folder needs two renames, *old aside* and *new in*: a process killed between
    them leaves no `target`, but the whole old folder beside it, which :func:`recover` puts back. :func:`recover`
    runs at the start of every `atomic_path` and of every :func:`scclamp.read`.

    Parameters
    ----------
    target
        File or folder to create or to replace. Its parent folder must exist.

    Raises
    ------
    StorageError
        When the disk is full, the folder is read-only, or any other system error stops the write.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "note.txt") as temporary:
    ...         _ = temporary.write_text("whole or not at all")
    ...     (Path(folder) / "note.txt").read_text()
    'whole or not at all'
    """
    path = Path(os.path.realpath(target))
    temporary = _temporary(path)
    placed = False
    try:
        if not path.parent.is_dir():
            msg = f"path={str(target)!r} cannot be written: there is no folder {str(path.parent)!r}. Create it first."
            raise StorageError(msg)
        recover(path)
        _sweep_stale(path)
        yield temporary
        _flush(temporary)
        _put(temporary, path)
        placed = True
        _sync(path.parent)
    except StorageError:
        raise
    except OSError as error:
        now = "It was replaced, but may not outlast a power cut." if placed else "What was there before is untouched."
        remedy = "Free some space, or choose a folder that you may write to."
        msg = f"path={str(target)!r} could not be written ({error}). {now} {remedy}"
        raise StorageError(msg) from error
    finally:
        remove(temporary)


def recover(target: str | os.PathLike[str]) -> None:
    """Put back the old folder when a process was killed between the two renames of a folder's replacement.

    Parameters
    ----------
    target
        Folder that :func:`atomic_path` was replacing; nothing happens when it exists.
    """
    path = Path(os.path.realpath(target))
    if path.exists() or not path.parent.is_dir():
        return
    # Another process may put it back first, or its new one in: then there is nothing left to do.
    with contextlib.suppress(FileNotFoundError):
        aside = [p for p in _beside(path) if p.name.endswith(".old") and p.is_dir()]
        if aside:
            _fill(path, max(aside, key=lambda p: p.stat().st_ctime_ns))


def sha256_file(path: str | os.PathLike[str], *, size: int | None = None) -> str:
    """Hash a file in constant memory.

    Parameters
    ----------
    path
        File to read.
    size
        Number of bytes to hash from its start; None for all.

    Returns
    -------
    The hexadecimal SHA-256 digest.
    """
    with Path(path).open("rb") as file:
        if size is None:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        while size > 0 and (part := file.read(min(size, _PART_BYTES))):
            digest.update(part)
            size -= len(part)
        return digest.hexdigest()


def remove(path: Path) -> None:
    """Remove a file or a folder that may not be there, without hiding an error that is on its way."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _temporary(path: Path) -> Path:
    return path.with_name(f"{_prefix(path)}{secrets.token_hex(6)}.tmp{path.suffix}")


def _beside(path: Path) -> list[Path]:
    """List what this or another process keeps, or left, beside a target."""
    prefix, ends = _prefix(path), (".old", f".tmp{path.suffix}")
    return [p for p in path.parent.iterdir() if p.name.startswith(prefix) and p.name.endswith(ends)]


def _sweep_stale(path: Path) -> None:
    for leftover in _beside(path):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_ctime > STALE_SECONDS:
                remove(leftover)


def _put(new: Path, path: Path) -> None:
    if new.is_dir():
        _swap_folder(new, path)
        return
    if path.exists():
        shutil.copymode(path, new)
    os.replace(new, path)  # noqa: PTH105 -- one call that replaces atomically on every system


def _swap_folder(new: Path, path: Path) -> None:
    for _ in range(_SWAP_ATTEMPTS):
        aside = path.with_name(f"{_prefix(path)}{secrets.token_hex(6)}.old")
        with contextlib.suppress(FileNotFoundError):
            path.rename(aside)
        try:
            filled = _fill(path, new)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                _fill(path, aside)
            raise
        _discard(aside, path)
        if filled:
            return
    msg = f"other processes replaced it {_SWAP_ATTEMPTS} times meanwhile"
    raise OSError(errno.EBUSY, msg)


def _fill(path: Path, folder: Path) -> bool:
    """Rename a folder to where none is; False where another process, that writes or recovers, was faster."""
    try:
        folder.rename(path)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def _discard(aside: Path, path: Path) -> None:
    """Remove an old folder under a name that `recover` does not take: it must never put back half of one."""
    doomed = aside
    with contextlib.suppress(OSError):
        doomed = aside.rename(_temporary(path))
    remove(doomed)


def _flush(path: Path) -> None:
    """Wait until a file, or every file of a folder, is on the disk."""
    if not path.is_dir():
        _sync(path)
        return
    inside = [folder / name for folder, folders, files in path.walk() for name in (*files, *folders)]
    with ThreadPoolExecutor(_FLUSH_THREADS) as pool:  # a store has thousands of files, and a disk takes them together
        for done in [pool.submit(_sync, each) for each in (*inside, path)]:
            done.result()


def _sync(path: Path) -> None:
    folder = path.is_dir()
    if folder and os.name == "nt":  # Windows has no handle to flush a folder by
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if not folder or error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)
