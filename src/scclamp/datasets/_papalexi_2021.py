"""Papalexi et al. 2021: CRISPR knock-outs in THP-1 with surface proteins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scclamp.datasets._house import Layout, scperturb
from scclamp.datasets._load import load

if TYPE_CHECKING:
    import os

    from anndata import AnnData

_LAYOUTS = {
    "scperturb": scperturb("THP-1", guide=r"(?P<gene>.+)g\d+"),
    "sceptre": Layout("target", "counts", "THP-1"),
}


def papalexi_2021(
    source: Literal["scperturb", "sceptre"] = "scperturb", *, path: str | os.PathLike[str] | None = None
) -> AnnData:
    """CRISPR knock-outs of 25 genes in stimulated THP-1 cells, the RNA of ECCITE-seq (Papalexi et al., Nat. Genet. 2021).

    A knock-out destroys the protein: the target's own transcript need not fall.

    Parameters
    ----------
    source
        ``"scperturb"`` (0.15 GB: raw counts of all genes; its labels are guides such as ``STAT2g2``), or ``"sceptre"``,
        the layout of the sceptredata package (targets and guides in columns of their own), which needs `path`. Where its
        genes are a panel, the library size of the whole transcriptome is ``obs["response_n_umis"]``.
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
    >>> raw = sc_c.datasets.papalexi_2021()  # doctest: +SKIP
    """
    return load("papalexi_2021", _LAYOUTS, source, path)
