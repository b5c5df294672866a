"""Where the panels of `pl.enrichment` stand. Lengths are in points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp.pl._enrichment_table import short
from scclamp.pl._text import widest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from scclamp.pl._enrichment_table import Hits

ROW, HEADER = 11.0, 13.0
"""Height of a row of cells, and of the name of a library above them."""
WIDE, NARROW = 24.0, 11.0
BARS, BAR = 170.0, 11.0
AXIS, LINE, SCALE = 36.0, 11.0, 42.0
"""Heights of an axis with its label, a line of the legend, and the scale of colours."""
MOST_BARS = 30
FEW = 8
"""Regulators whose columns are wide."""
LIBRARIES = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#999999")


class Frame:
    """Places of all panels, measured from the upper left corner.

    Parameters
    ----------
    hits
        What is drawn.
    """

    def __init__(self, hits: Hits) -> None:
        names, blocks = list(hits.regulators), hits.blocks
        self.best = _to_draw(hits)
        grouped = self.best["regulator"].duplicated().any()
        self.apart = 0.6 if grouped else 0.1
        """Between the bars of two regulators, in bars."""
        self.cell = WIDE if len(names) <= FEW else NARROW
        self.right = self.cell * len(names) + widest(names) + 24
        self.texts = [
            f"{short(term)} ({overlap} of {size})"
            for term, overlap, size in zip(self.best["term"], self.best["overlap"], self.best["set_size"], strict=True)
        ]
        self.bars_width = max(BARS, widest(self.texts) + 8)
        self.bars = BAR * (len(self.best) + self.apart * self.best["regulator"].nunique())
        self.colours = {name: LIBRARIES[i % len(LIBRARIES)] for i, name in enumerate(b.library for b in blocks)}
        self.legend = LINE * self.best["library"].nunique()
        self.width = self.right + self.bars_width
        heat = sum(HEADER + ROW * len(block.terms) for block in blocks)
        self.height = max(heat, HEADER + self.bars + AXIS + self.legend + SCALE)
        labels = [short(term) for block in blocks for term in block.terms]
        self.left = max(widest(labels), widest([block.library for block in blocks], 8) * 1.1) + 10
        self.below = widest(names) + 8

    @property
    def inches(self) -> tuple[float, float]:
        """Size of a figure."""
        return (self.width + self.left + 14) / 72, (self.height + self.below + 24) / 72

    def panel(self, ax: Axes, x: float, y: float, width: float, height: float) -> Axes:
        """Return axes with their upper left corner at a place."""
        return ax.inset_axes((x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height))


def _to_draw(hits: Hits) -> pd.DataFrame:
    """One bar for each regulator and library; where those are too many, one for each regulator."""
    if len(hits.best) <= MOST_BARS:
        return hits.best
    best = hits.best.sort_values("p_adjusted", kind="stable").groupby("regulator", sort=False).head(1)
    return best.sort_index()
