"""Files of releases, and what a download may have left in their place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scclamp._errors import StorageError

if TYPE_CHECKING:
    import os

_SHOWN = 12
_HEAD = 512
_IN_PLACE = {
    b"version https://git-lfs": (
        "is a pointer of git-lfs, not the file itself. Run `git lfs pull` in its repository, or download the file by itself"
    ),
    b"<!doctype html": "is a web page, not the file itself. Download what its download button gives, not the page",
    b"<html": "is a web page, not the file itself. Download what its download button gives, not the page",
}


def released_file(path: str | os.PathLike[str]) -> Path:
    """Return a file that is there, and is no web page or pointer that was saved in its place; `~` is the home folder.

    Raises
    ------
    StorageError
        What is there instead.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "vocab.json").write_text("{}")
    ...     released_file(Path(folder) / "vocab.json").name
    'vocab.json'
    """
    file = Path(path).expanduser()
    if not file.is_file():
        beside = sorted(p.name for p in file.parent.iterdir()) if file.parent.is_dir() else []
        holds = (
            f"Its folder holds {', '.join(beside[:_SHOWN]) or 'nothing'}"
            if file.parent.is_dir()
            else "Nor is its folder"
        )
        raise StorageError(f"path={str(path)!r} is no file. {holds}. Check the path, or download the checkpoint anew.")
    try:
        with file.open("rb") as content:
            head = content.read(_HEAD).lstrip().lower()
    except OSError as error:
        raise StorageError(f"path={str(path)!r} cannot be read: {error.strerror}. Check its permissions.") from error
    for beginning, what in _IN_PLACE.items():
        if head.startswith(beginning):
            raise StorageError(f"path={str(path)!r} {what}.")
    return file


def checkpoint_folder(path: str | os.PathLike[str], weights: str) -> tuple[Path, Path]:
    """Folder of a checkpoint and its file of weights, either of which may be given.

    Parameters
    ----------
    path
        The folder, or the file of weights in it.
    weights
        Name of that file, where the folder is given.
    """
    given = Path(path).expanduser()
    return (given.parent, given) if given.is_file() else (given, given / weights)
