"""Adamson et al. 2016: CRISPRi of the unfolded protein response in K562."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scclamp._keys import CONTROL
from scclamp.datasets._house import gears, scperturb
from scclamp.datasets._load import load

if TYPE_CHECKING:
    import os

    from anndata import AnnData

_CONTROLS = (
    "3x_neg_ctrl_pMJ144-1",
    "3x_neg_ctrl_pMJ144-2",
    "62(mod)_pBA581",
    "63(mod)_pBA580",
    "Gal4-4(mod)_pBA582",
)
# The three sensors of the response are labelled by their proteins.
_EPISTASIS = {
    "ATF6_only_pMJ145": "ATF6",
    "PERK_only_pMJ146": "EIF2AK3",
    "IRE1_only_pMJ148": "ERN1",
    "ATF6_PERK_pMJ150": "ATF6+EIF2AK3",
    "ATF6_IRE1_pMJ152": "ATF6+ERN1",
    "PERK_IRE1_pMJ154": "EIF2AK3+ERN1",
    "ATF6_PERK_IRE1_pMJ158": "ATF6+EIF2AK3+ERN1",
}
_ALIASES: dict[str, str | None] = {**dict.fromkeys(_CONTROLS, CONTROL), **_EPISTASIS, "*": None}
_SCPERTURB = scperturb("K562", aliases=_ALIASES, guide=r"(?P<gene>[^_]+)_p[A-Z]{2}\d+")
_LAYOUTS = {"screen": _SCPERTURB, "epistasis": _SCPERTURB, "pilot": _SCPERTURB, "gears": gears("K562")}


def adamson_2016(
    source: Literal["screen", "epistasis", "pilot", "gears"] = "screen", *, path: str | os.PathLike[str] | None = None
) -> AnnData:
    """CRISPR interference with genes of the unfolded protein response in K562 (Adamson et al., Cell 2016).

    Labels are those of the plasmids (``SPI1_pDS255``); they are read as genes, the constructs without a target as
    control, and the sensors PERK and IRE1 as EIF2AK3 and ERN1. Cells of no plasmid (``*``) have no perturbation.

    Parameters
    ----------
    source
        One of the three experiments of scPerturb (raw counts): ``"screen"`` (10X010, 0.5 GB), ``"epistasis"`` (10X005,
        the sensors ATF6, PERK and IRE1 alone, in pairs and together), ``"pilot"`` (10X001, 7 genes); or the screen as
        GEARS has it (``"gears"``, log-normalised, of which nobody publishes a checksum).
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
    >>> raw = sc_c.datasets.adamson_2016("epistasis")  # doctest: +SKIP
    """
    return load("adamson_2016", _LAYOUTS, source, path)
