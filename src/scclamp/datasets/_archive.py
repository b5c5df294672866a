"""Takes one file out of a zip archive that nobody has to trust."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from scclamp._errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from scclamp.datasets._registry import Member

_CHUNK_BYTES = 2**20


def extract(archive: Path, member: Member, path: Path) -> None:
    """Write one member of a zip archive to a path of ours.

    Names in the archive are never used as paths, so that no entry can choose where it is written.

    Parameters
    ----------
    archive
        The zip archive.
    member
        What to take out, and how large it may be.
    path
        Where to write it.

    Raises
    ------
    StorageError
        When the archive is damaged, has not exactly one such member, holds a path that leads out of it or a link, or
        when the member unpacks to more than its limit.
    """
    where = f"The archive {archive.name!r}"
    try:
        with zipfile.ZipFile(archive) as opened:
            info = _find(opened, member, where)
            if info.file_size > member.limit:
                raise _too_large(where, member)
            with opened.open(info) as source, path.open("wb") as target:
                written = 0
                while chunk := source.read(_CHUNK_BYTES):
                    written += len(chunk)
                    # The size that an archive declares is not the size that it unpacks to.
                    if written > member.limit:
                        raise _too_large(where, member)
                    target.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        msg = f"{where} is damaged or of an unknown kind ({error}). Delete it and download it again."
        raise StorageError(msg) from error


def _find(opened: zipfile.ZipFile, member: Member, where: str) -> zipfile.ZipInfo:
    entries = opened.infolist()
    for entry in entries:
        parts = PurePosixPath(entry.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or (parts.parts and parts.parts[0].endswith(":")):
            raise StorageError(f"{where} holds {entry.filename!r}, a path that leads out of it. Do not use it.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise StorageError(f"{where} holds {entry.filename!r}, a symbolic link. Do not use it.")
    found = [entry for entry in entries if entry.filename == member.inside]
    if len(found) != 1:
        names = ", ".join(repr(entry.filename) for entry in entries[:5]) or "nothing"
        msg = f"{where} holds {len(found)} files {member.inside!r} instead of one; it holds {names}."
        raise StorageError(f"{msg} Report it: the source has changed.")
    return found[0]


def _too_large(where: str, member: Member) -> StorageError:
    return StorageError(
        f"{where} unpacks {member.inside!r} to more than {member.limit} bytes. Do not use it; report the source."
    )
