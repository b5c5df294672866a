"""Brings one file over HTTP, and believes no answer that is not the file."""

from __future__ import annotations

import zipfile
from time import sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import h5py

from scclamp._errors import StorageError
from scclamp._settings import settings

if TYPE_CHECKING:
    from pathlib import Path

    from scclamp.datasets._registry import RemoteFile

ATTEMPTS = 3
"""Times that one mirror is asked while its failures look passing."""
BACKOFF = 1.0
"""Seconds before the second attempt; they double from then on."""
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and between two pieces of the body."""
LONGEST_WAIT = 60.0
"""Most seconds that are waited when a server asks for it."""
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHUNK_BYTES = 2**20
_SNIFFED_BYTES = 512


class TransferError(StorageError):
    """A mirror did not give the file.

    Parameters
    ----------
    message
        What it did instead.
    passing
        Whether asking again may help.
    wait
        Seconds the server asks to wait, if it does.
    """

    def __init__(self, message: str, *, passing: bool = True, wait: float = 0.0) -> None:
        super().__init__(message)
        self.passing = passing
        self.wait = wait


def transfer(file: RemoteFile, path: Path, digest: str | None) -> None:
    """Download a file to a path, from the first mirror that gives it.

    Parameters
    ----------
    file
        What to download.
    path
        Where to write it; whatever a failed attempt left there is overwritten.
    digest
        What it must hash to; None when nothing is known, then its form is checked.

    Raises
    ------
    StorageError
        When no mirror gave the file, with what each did instead.
    """
    refusals = []
    for url in file.urls:
        for attempt in range(ATTEMPTS):
            try:
                _get(url, path)
                check_body(path, file, digest)
            except TransferError as error:
                last = error
                if not error.passing or attempt + 1 == ATTEMPTS:
                    break
                sleep(max(error.wait, BACKOFF * 2**attempt))
            else:
                return
        refusals.append(f"{urlsplit(url).netloc} {last}")
    raise StorageError("; ".join(refusals))


def check_body(path: Path, file: RemoteFile, digest: str | None) -> None:
    """Raise a `TransferError` when a file is a web page, too short, or not what it must hash to."""
    import pooch

    if is_page(path):
        msg = "answered with a web page instead of the file (it may want a browser, or a login)"
        raise TransferError(msg, passing=False)
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        raise TransferError(f"gave {size} bytes instead of {file.size}")
    if digest is None:
        if fault := malformed(path, file.name):
            raise TransferError(f"gave a file that {fault}")
        return
    algorithm, _, expected = digest.partition(":")
    if (got := pooch.file_hash(str(path), alg=algorithm)) != expected:
        raise TransferError(f"gave {algorithm}:{got} instead of {digest}")


def is_page(path: Path) -> bool:
    """Whether a file begins like HTML, XML or a JSON message; none of our data does."""
    with path.open("rb") as stream:
        start = stream.read(_SNIFFED_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] in (b"<", b"{")


def malformed(path: Path, name: str) -> str:
    """Say what is wrong with the form of a file, as its suffix promises it; empty when nothing is."""
    if not path.stat().st_size:
        return "is empty"
    if name.endswith(".h5ad"):
        try:
            with h5py.File(path):
                return ""
        except OSError as error:
            return f"is no whole HDF5 file ({error})"
    if name.endswith(".zip"):
        return "" if zipfile.is_zipfile(path) else "is no whole zip archive"
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return "" if stream.read() == b"\n" else "ends within a line"


def _get(url: str, path: Path) -> None:
    import pooch
    from requests import RequestException

    downloader = pooch.HTTPDownloader(
        progressbar=settings.show_progress(),
        chunk_size=_CHUNK_BYTES,
        timeout=TIMEOUT,
        # Files are hashed as they lie on the server, and some mirrors refuse callers without a name.
        headers={"Accept-Encoding": "identity", "User-Agent": "scclamp (https://pypi.org/project/scclamp)"},
        hooks={"response": _check_status},
    )
    try:
        downloader(url, str(path), None)
    except RequestException as error:
        raise TransferError(f"could not be read ({type(error).__name__}: {error})") from error


def _check_status(response: Any, **_: object) -> None:
    """Refuse everything but the file itself; pooch would take a 202 page for it."""
    if response.status_code == 200 or response.is_redirect:
        return
    wait = response.headers.get("Retry-After", "")
    seconds = min(float(wait), LONGEST_WAIT) if wait.isdecimal() else 0.0
    passing = response.status_code in _PASSING
    response.close()
    raise TransferError(f"answered with HTTP {response.status_code}", passing=passing, wait=seconds)
