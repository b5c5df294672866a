"""What `scclamp datasets list` says, at hand without the imports that reading a screen takes; tests hold it to `scclamp.datasets`."""

from __future__ import annotations

from typing import NamedTuple


class Screen(NamedTuple):
    """One published screen.

    Parameters
    ----------
    about
        First line of the docstring of its function.
    sources
        Bytes to download from each source, None where nobody says.
    """

    about: str
    sources: dict[str, int | None]


SCREENS = {
    "adamson_2016": Screen(
        "CRISPR interference with genes of the unfolded protein response in K562 (Adamson et al., Cell 2016).",
        {"pilot": 34557246, "epistasis": 139059637, "screen": 471286951, "gears": None},
    ),
    "norman_2019": Screen(
        "CRISPR activation of 105 genes and 131 pairs of them in K562 (Norman et al., Science 2019).",
        {"scperturb": 698680199, "gears": None},
    ),
    "papalexi_2021": Screen(
        "CRISPR knock-outs of 25 genes in stimulated THP-1 cells, the RNA of ECCITE-seq (Papalexi et al., Nat. Genet. 2021).",
        {"scperturb": 147215278},
    ),
    "replogle_2022_k562": Screen(
        "CRISPR interference with the essential genes in K562 (Replogle et al., Cell 2022).",
        {"scperturb": None, "gears": None},
    ),
    "replogle_2022_rpe1": Screen(
        "CRISPR interference with the essential genes in RPE1 (Replogle et al., Cell 2022).",
        {"scperturb": None, "gears": None},
    ),
}
PRESETS = ("tiny", "demo", "norman_like")
"""Of simulated screens."""
