"""A folder of encodings: whole or absent, checked whenever they are read, and never more than it may hold."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors
import safetensors.numpy

from scclamp._atomic import STALE_SECONDS, atomic_path
from scclamp.encoders._encoder import digest

if TYPE_CHECKING:
    import numpy as np

_ENTRY = re.compile(r"[0-9a-f]{64}\.safetensors")
_UNFINISHED = re.compile(r"\.[0-9a-f]{64}\.safetensors\.[0-9a-f]+\.tmp\.safetensors")
_TENSOR = "encoded"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Store:
    """Arrays by key in one folder, which several processes may share.

    An entry is a file that is put in place as one step, so that a reader sees all of it or none. Two processes that miss the
    same entry both compute it and write the same bytes. Files of other names are never touched.

    Parameters
    ----------
    folder
        Where the entries are; it must exist.
    max_bytes
        Most bytes that all entries may take; those that were not used for longest go first.
    """

    folder: Path
    max_bytes: int

    def get(self, key: str) -> np.ndarray | None:
        """Return an entry, or None where there is none or it is damaged, which is logged."""
        path = self._path(key)
        try:
            with safetensors.safe_open(path, framework="np") as file:
                array, said = file.get_tensor(_TENSOR), (file.metadata() or {}).get("sha256")
        except FileNotFoundError:
            return None
        except (safetensors.SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            _logger.warning("%s is damaged (%s) and is computed again", path, error)
            return None
        if said != digest(key, array):
            _logger.warning("%s is damaged: it is not what was written. It is computed again", path)
            return None
        with contextlib.suppress(OSError):  # a folder that may only be read, or another process removed it just now
            os.utime(path)
        return array

    def put(self, key: str, array: np.ndarray) -> None:
        """Keep an entry, and remove old ones until all fit; a folder that is gone or cannot be written is logged."""
        data = safetensors.numpy.save({_TENSOR: array}, metadata={"sha256": digest(key, array)})
        if len(data) > self.max_bytes:
            _logger.info(
                "An entry of %d bytes is more than the cache may hold (%d) and is not kept", len(data), self.max_bytes
            )
            return
        try:
            self._make_room(len(data), self._path(key))
            with atomic_path(self._path(key)) as temporary:
                temporary.write_bytes(data)
            # Another process may have written meanwhile.
            self._make_room(0)
        # The folder may have been removed meanwhile, or hold entries that may not be.
        except OSError as error:
            _logger.warning("Nothing is kept: %s", error)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _make_room(self, wanted: int, replaced: Path | None = None) -> None:
        entries = []
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if _ENTRY.fullmatch(path.name) and path != replaced:
                    about = path.stat()
                    entries.append((about.st_mtime_ns, path.name, about.st_size, path))
                elif _UNFINISHED.fullmatch(path.name) and time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()
        excess = sum(size for _, _, size, _ in entries) + wanted - self.max_bytes
        for _, _, size, path in sorted(entries):
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size
