"""Replogle et al. 2022: CRISPRi of essential genes in RPE1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scclamp.datasets._house import gears, scperturb
from scclamp.datasets._load import load

if TYPE_CHECKING:
    import os

    from anndata import AnnData

_LAYOUTS = {"scperturb": scperturb("RPE1"), "gears": gears("RPE1")}


def replogle_2022_rpe1(
    source: Literal["scperturb", "gears"] = "scperturb", *, path: str | os.PathLike[str] | None = None
) -> AnnData:
    """CRISPR interference with the essential genes in RPE1 (Replogle et al., Cell 2022).

    Parameters
    ----------
    source
        ``"scperturb"`` (raw counts of all genes; one source names its checksum) or ``"gears"`` (5,000 genes,
        log-normalised; nobody publishes a checksum).
    path
        A file of that layout which you have already; nothing is downloaded then, and no checksum is known.

    Returns
    -------
    Cells with the fields of :func:`norman_2019`.

    Raises
    ------
    StorageError
        When the file cannot be had; the message says what it is called, what it hashes to and where to put it.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> raw = sc_c.datasets.replogle_2022_rpe1()  # doctest: +SKIP
    """
    return load("replogle_2022_rpe1", _LAYOUTS, source, path)
