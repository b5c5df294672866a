"""Encodings of observations, kept on disk and used again by the next fit."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._errors import InputError, StorageError
from scclamp.encoders._code import code_version
from scclamp.encoders._encoder import digest
from scclamp.encoders._panel import require_panel
from scclamp.encoders._rows import encode_observations, mixed_precision, placement
from scclamp.encoders._store import Store
from scclamp.encoders._wrap import as_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from torch import Tensor

    from scclamp.encoders._encoder import Encoder

_FORMAT = "1"
"""Version of what a key is made of."""
_GIGABYTE = 10**9


class Cached:
    """An encoder whose encodings of observations are kept on disk; made by `cached`.

    It is the encoder in every other way: the same name, fingerprint, parameters and gradients.

    Parameters
    ----------
    encoder
        What encodes.
    store
        Where encodings are kept.
    """

    def __init__(self, encoder: Encoder, store: Store) -> None:
        self.encoder, self.store = encoder, store
        self.name, self.affine = encoder.name, encoder.affine

    def __getattr__(self, name: str) -> Any:
        # Copies and pickles ask before there is an encoder.
        if name == "encoder" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.encoder, name)

    def encode(self, x: Tensor) -> Tensor:
        """Encode states (..., genes) afresh: those of a fit never come again, so that keeping them would only fill the disk."""
        return self.encoder.encode(x)

    def fingerprint(self) -> str:
        """Digest of everything that decides the output, which a cache does not."""
        return self.encoder.fingerprint()

    def observations(self, genes: Sequence[str]) -> Callable[[np.ndarray], np.ndarray]:
        """Encode blocks of observations of one panel, or read what was encoded before.

        Parameters
        ----------
        genes
            Names of the panel, in the order of the columns.

        Returns
        -------
        A function from float64 rows (n, genes) to float64 encodings (n, d).
        """
        # Once for all blocks, since the parameters of a large model take a while to hash.
        require_panel(self.encoder, genes)
        situation = self._situation(genes)

        def encode(rows: np.ndarray) -> np.ndarray:
            key = digest(situation, str(mixed_precision(self.encoder)), rows)
            kept = self.store.get(key)
            if kept is None:
                kept = encode_observations(self.encoder, rows)
                self.store.put(key, kept)
            return kept

        return encode

    def _situation(self, genes: Sequence[str]) -> str:
        """Digest of everything but the data that decides an encoding."""
        dtype, device = placement(self.encoder)
        mapping = getattr(self.encoder, "mapping", None)
        vocabulary = "none" if mapping is None else digest(*map(str, mapping.genes), np.asarray(mapping.tokens))
        return digest(
            _FORMAT,
            self.encoder.fingerprint(),
            code_version(self.encoder),
            str(getattr(self.encoder, "input", "log")),
            vocabulary,
            f"{dtype} {device.type}",
            digest(*map(str, genes)),
        )


def cached(
    encoder: Encoder | torch.nn.Module | Callable[[Tensor], Tensor],
    folder: str | os.PathLike[str] | None = None,
    *,
    max_gigabytes: float = 5.0,
) -> Cached:
    """Keep what an encoder makes of observations on disk, so that the next fit to the same cells need not encode them again.

    An encoding is used again only when nothing that decides it has changed: the encoder's parameters and settings, its code, the
    form of its input, its vocabulary, the panel, and the values of the block of observations. Each is checked when it is read,
    and one that is damaged is computed again. Several processes may share a folder. Predicted states are encoded afresh, with
    their gradients, and affine encoders need no cache, since the mean of their observations is encoded.

    Parameters
    ----------
    encoder
        An encoder or a module, whose code is in files; a plain function is refused.
    folder
        Where to keep encodings; by default `encodings` in the folder that SCCLAMP_CACHE names, or in the system's place for
        caches.
    max_gigabytes
        Most that the folder may hold; encodings that were not used for longest are removed.

    Returns
    -------
    The encoder, to be passed as `encoder=`.

    Examples
    --------
    >>> import tempfile, torch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encoder = cached(torch.nn.Linear(3, 2), folder, max_gigabytes=1)
    ...     first = encoder.observations(["A", "B", "C"])(np.ones((4, 3)))
    ...     again = encoder.observations(["A", "B", "C"])(np.ones((4, 3)))
    >>> first.shape, bool((first == again).all())
    ((4, 2), True)
    """
    if (
        isinstance(max_gigabytes, bool)
        or not isinstance(max_gigabytes, int | float)
        or not 0 < max_gigabytes < math.inf
    ):
        msg = f"max_gigabytes={max_gigabytes!r} is not a positive number of gigabytes. Give for example 5.0."
        raise InputError(msg)
    encoder = encoder.encoder if isinstance(encoder, Cached) else encoder
    encoder = as_encoder(encoder)
    code_version(encoder)  # refuses what cannot be told apart, before anything is encoded
    chosen = _default_folder() if folder is None else Path(folder).expanduser()
    try:
        chosen.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"folder={str(chosen)!r} cannot be made ({error}). Choose a folder that you may write to."
        raise StorageError(msg) from error
    return Cached(encoder, Store(chosen, int(max_gigabytes * _GIGABYTE)))


def _default_folder() -> Path:
    """Where downloaded screens are too: the environment variable SCCLAMP_CACHE, or the system's own place for caches."""
    import pooch

    chosen = os.environ.get("SCCLAMP_CACHE")
    return (Path(chosen).expanduser() if chosen else Path(pooch.os_cache("scclamp"))) / "encodings"
