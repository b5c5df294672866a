"""Ink for `pl.enrichment`: a heatmap for each library, and bars of the best sets. Lengths are in points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp.pl._enrichment_frame import AXIS, BARS, HEADER, ROW
from scclamp.pl._enrichment_table import LEVEL, score, short
from scclamp.pl._text import SMALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from scclamp.pl._enrichment_frame import Frame
    from scclamp.pl._enrichment_table import Hits

_WORDS = {"p_adjusted": "−log₁₀ adjusted p", "fold": "fold over chance"}
_MOST = 15.0
"""Minus decimal logarithm of p from which colours are full."""
_LEAST = 3.0
"""The same where no set is that significant: what is none must not look so."""
_MAP = "Blues"
_HEAD: dict[str, Any] = {
    "xycoords": "axes fraction",
    "textcoords": "offset points",
    "ha": "right",
    "fontsize": 8,
    "fontweight": "bold",
}


def draw(ax: Axes, hits: Hits, frame: Frame, values: str, boxes: Sequence[tuple[int, int, int]]) -> None:
    """Draw everything on an axes, which becomes the frame."""
    ax.set_axis_off()
    ax.set_title(hits.note, fontsize=SMALL, loc="left")
    shown = [
        score(block.cells("p_adjusted")) if values == "p_adjusted" else block.cells("fold") for block in hits.blocks
    ]
    most = float(np.nanmax([np.nanmax(each, initial=0.0) for each in shown]))
    most = min(max(most, _LEAST), _MOST) if values == "p_adjusted" else most
    y, width = 0.0, frame.cell * len(hits.regulators)
    image: Any = None
    for i, block in enumerate(hits.blocks):
        height = ROW * len(block.terms)
        panel = frame.panel(ax, 0, y + HEADER, width, height)
        last = i == len(hits.blocks) - 1
        image = _heat(panel, hits, i, shown[i], max(most, 1e-9), [box[1:] for box in boxes if box[0] == i], names=last)
        y += HEADER + height
    _draw_bars(frame.panel(ax, frame.right, HEADER, frame.bars_width, frame.bars), frame, hits)
    y = HEADER + frame.bars + AXIS
    _legend(frame.panel(ax, frame.right, y, frame.bars_width, frame.legend), frame)
    bar = frame.panel(ax, frame.right, y + frame.legend + 8, 0.6 * BARS, 7)
    scale = ax.figure.colorbar(image, cax=bar, orientation="horizontal")
    scale.set_label(_WORDS[values], fontsize=8)
    bar.tick_params(labelsize=SMALL, length=2)


def _heat(
    ax: Axes, hits: Hits, at: int, shown: np.ndarray, most: float, boxes: Sequence[tuple[int, int]], *, names: bool
) -> Any:
    """Cells of one library; a dot where the overlap counts, grey where nothing was tested."""
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    block = hits.blocks[at]
    colours = colormaps[_MAP].with_extremes(bad="0.85")
    image = ax.imshow(
        np.ma.masked_invalid(shown), cmap=colours, vmin=0, vmax=most, aspect="auto", interpolation="nearest"
    )
    rows, columns = np.nonzero(block.cells("p_adjusted") < LEVEL)
    light = np.where(shown[rows, columns] > 0.5 * most, "white", "black")
    ax.scatter(columns, rows, s=7, c=light.tolist(), linewidths=0, label="significant")
    for row, column in boxes:
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="#D55E00", lw=1.4, clip_on=False))
    ax.annotate(block.library, (0, 1), (-3, 3), **_HEAD)
    ax.set_yticks(range(len(block.terms)), labels=[short(term) for term in block.terms], fontsize=SMALL)
    ax.set_xticks(range(len(hits.regulators)), labels=hits.regulators if names else [], rotation=90, fontsize=SMALL)
    ax.tick_params(length=0, pad=3)
    ax.set_xticks(np.arange(1, len(hits.regulators)) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, len(block.terms)) - 0.5, minor=True)
    ax.grid(which="minor", color="0.9", lw=0.5)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set(color="0.6", linewidth=0.6)
    return image


def _draw_bars(ax: Axes, frame: Frame, hits: Hits) -> None:
    """Best sets of each regulator, with their names written along the bars."""
    from matplotlib.patheffects import withStroke

    best, apart = frame.best, frame.apart
    group = (best["regulator"] != best["regulator"].shift()).cumsum().to_numpy() - 1
    y = np.arange(len(best)) + apart * (group + 0.5)
    length = score(best["p_adjusted"])
    counts = (best["p_adjusted"] < LEVEL).to_numpy()
    bars = ax.barh(y, length, height=0.85, color=[frame.colours[library] for library in best["library"]])
    for bar in np.array(bars, object)[~counts]:
        bar.set_alpha(0.35)
    for height, text, strong in zip(y, frame.texts, counts, strict=True):
        # Beyond a bar that does not count, the line of the level runs behind the letters.
        halo = [] if strong else [withStroke(linewidth=2, foreground="white")]
        style: dict[str, Any] = {"color": "black" if strong else "0.4", "path_effects": halo}
        ax.annotate(text, (0, height), (3, 0), textcoords="offset points", va="center", fontsize=SMALL, **style)
    ax.axvline(-np.log10(LEVEL), color="0.3", lw=0.8, ls=(0, (3, 2)), zorder=0)
    names = best["regulator"].to_numpy()
    there = [name for name in hits.regulators if name in names]
    ax.set_yticks([y[names == name].mean() for name in there], labels=there, fontsize=SMALL)
    ax.set(ylim=(y[-1] + (1 + apart) / 2, -0.5), xlim=(0, max(1.05 * length.max(), 2.0)))
    ax.tick_params(labelsize=SMALL, length=2)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(f"{_WORDS['p_adjusted']} (line: p = {LEVEL})", fontsize=8)
    ax.set_title("best set of each regulator", fontsize=8, loc="left", pad=3, fontweight="bold")
    ax.spines[["top", "right"]].set_visible(False)


def _legend(ax: Axes, frame: Frame) -> None:
    """Colours of the libraries that have a bar."""
    from matplotlib.patches import Patch

    ax.set_axis_off()
    drawn = set(frame.best["library"])
    handles = [Patch(facecolor=colour, label=name) for name, colour in frame.colours.items() if name in drawn]
    style: dict[str, Any] = {"frameon": False, "borderaxespad": 0, "borderpad": 0, "handlelength": 1.2}
    ax.legend(handles=handles, loc="upper left", fontsize=SMALL, labelspacing=0.3, **style)
