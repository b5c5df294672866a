"""Norman et al. 2019: CRISPRa of single genes and pairs in K562."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scclamp.datasets._house import gears, scperturb
from scclamp.datasets._load import load

if TYPE_CHECKING:
    import os

    from anndata import AnnData

_LAYOUTS = {"scperturb": scperturb("K562"), "gears": gears("K562")}


def norman_2019(
    source: Literal["scperturb", "gears"] = "scperturb", *, path: str | os.PathLike[str] | None = None
) -> AnnData:
    """CRISPR activation of 105 genes and 131 pairs of them in K562 (Norman et al., Science 2019).

    The file is downloaded once, its checksum is verified whenever it is used, and a damaged copy is fetched again. The
    cache is the folder named by the environment variable `SCCLAMP_CACHE`, or the system's own place for caches.

    Parameters
    ----------
    source
        ``"scperturb"`` (0.7 GB: raw counts of all genes) or ``"gears"`` (2.2 GB unpacked: 5,045 genes, log-normalised;
        it calls the cells A549, which is set right with a warning).
    path
        A file of that layout which you have already; nothing is downloaded then, and no checksum is known.

    Returns
    -------
    Cells with gene symbols as names, `X` (csr), where there are counts beside it ``layers["counts"]`` (csr), and

    - ``obs["perturbation"]`` (categorical, canonical: `control`, `A`, `A+B`), ``obs["label"]`` (as the source has it),
    - ``obs["cell_line"]`` (categorical), ``obs["n_counts"]`` (int64, when `X` holds counts),
    - ``uns["perturbations"]`` (the report of :func:`scclamp.pp.perturbations`),
    - ``uns["dataset"]``: `name`, `source`, `digest`, `checksum_source`, `X` (``"counts"`` or ``"log1p"``), `notes`,

    and everything else that the file has.

    Raises
    ------
    StorageError
        When the file cannot be had; the message says what it is called, what it hashes to and where to put it.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> raw = sc_c.datasets.norman_2019()  # doctest: +SKIP
    >>> panel = sc_c.pp.recipe(raw)  # doctest: +SKIP
    """
    return load("norman_2019", _LAYOUTS, source, path)
