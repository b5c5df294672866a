"""Ink for the four panels of `pl.transmission`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp.pl._axes import COLOURS
from scclamp.pl._text import SMALL, apart

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from scclamp.pl._transmission_table import Transmission

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_STYLES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_WORDS = {"alpha": "α: control cells", "gamma": "γ: shifts"}
_LEAST_APART = 0.085
"""Of the height of a panel: between the names of two lines."""
_FEW = 99
"""Components up to which ticks within a power of ten have room for their numbers."""
_SHADE = "#F8F2A1"
_MAP = "cividis"


def style(encoder: str, found: Transmission) -> dict[str, Any]:
    """Colour and dashes of an encoder's line; the identity is the black reference."""
    if encoder == "identity":
        return {"color": "0.15", "ls": (0, (4, 2)), "zorder": 3}
    others = [name for name in found.encoders if name != "identity"]
    at = others.index(encoder)
    return {"color": _COLOURS[at % len(_COLOURS)], "ls": _STYLES[at // len(_COLOURS) % len(_STYLES)]}


def draw_preserved(ax: Axes, found: Transmission) -> None:
    """Preserved fraction of each encoder in each basis, with its interval, over what it is of shuffled labels."""
    bases = [basis for basis in _WORDS if basis in set(found.summary["basis"])]
    offsets = dict(zip(bases, (-0.16, 0.16) if len(bases) > 1 else (0.0,), strict=True))
    columns = ("encoder", "basis", "preserved", "low", "high", "null")
    for name, basis, value, low, high, null in zip(*(found.summary[column] for column in columns), strict=True):
        y, colour = found.encoders.index(name) + offsets[basis], style(name, found)["color"]
        ax.plot([low, high], [y, y], color=colour, lw=1.4, solid_capstyle="butt")
        ax.plot(null, y, marker="|", ms=8, mew=1.4, color=COLOURS["reference"], ls="", zorder=1)
        face = "white" if basis == "alpha" and len(bases) > 1 else colour
        ax.plot(value, y, marker="o", ms=4.5, mec=colour, mfc=face, ls="")
        text = f"{value:.2f}" if value >= 0.01 else f"{value:.1g}"
        ax.annotate(text, (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=SMALL, color=colour)
    ax.axvline(1.0, color="0.75", lw=0.8, zorder=0)
    # An interval may be unknown.
    most = float(found.summary[["preserved", "high", "null"]].max().max())
    ax.set(ylim=(len(found.encoders) - 0.5, -0.5), xlim=(0, max(1.08, 1.05 * most)))
    ax.set_yticks(range(len(found.encoders)), labels=found.encoders)
    for label, name in zip(ax.get_yticklabels(), found.encoders, strict=True):
        label.set_color(style(name, found)["color"])
    ax.tick_params(axis="y", length=0)
    marks = dict(zip(bases, "○●" if len(bases) > 1 else "●", strict=True))
    ends = "   ".join(f"{mark} {_WORDS[basis]}" for basis, mark in marks.items())
    notes = ["report γ, not α"] if "alpha" in bases else []
    notes += ["grey: shuffled labels"] if found.summary["null"].notna().any() else []
    _finish(ax, "\n".join(["preserved fraction", ends, "   ".join(notes)]).rstrip(), "")


def draw_components(ax: Axes, found: Transmission) -> None:
    """Transmission of each component, over how much of the signal lies along it."""
    first = _of(found.components, found.encoders[0])
    weight, t = first["weight"].to_numpy(), found.components["t"].to_numpy()
    # The bars are as high as the highest line, whatever their own unit.
    unit = max(1.0, float(t.max())) / float(weight.max())
    ax.bar(_numbers(first), unit * weight, width=1.0, color=_SHADE, lw=0, label="signal")
    for name in found.encoders:
        own = _of(found.components, name)
        x, t, sd = _numbers(own), own["t"].to_numpy(), np.nan_to_num(own["sd"].to_numpy())
        look = style(name, found)
        ax.plot(x, t, lw=1.3, label=name, **look)
        ax.fill_between(x, t - sd, t + sd, color=look["color"], alpha=0.2, lw=0)
    ax.set(xscale="log", ylim=(0, None))
    _number_axis(ax, len(first))
    _finish(ax, f"component ({_WORDS[found.basis]})", "transmission t")
    right = ax.secondary_yaxis("right", functions=(lambda y: np.divide(y, unit), lambda w: np.multiply(w, unit)))
    right.set_ylabel("share of the signal (yellow)", fontsize=8)
    right.tick_params(labelsize=SMALL, length=2)


def draw_captured(ax: Axes, found: Transmission) -> None:
    """How much of all signal survives in the first components."""
    lines = {name: _of(found.components, name) for name in found.encoders}
    for name, own in lines.items():
        ax.plot(_numbers(own), own["captured"], lw=1.3, label=name, **style(name, found))
    ax.set(xscale="log", ylim=(0, None))
    _number_axis(ax, max(map(len, lines.values())))
    _finish(ax, f"number of components ({_WORDS[found.basis]})", "captured signal (of all: 1)")
    top = ax.get_ylim()[1]
    last = {name: float(own["captured"].iloc[-1]) / top for name, own in lines.items()}
    order = sorted(last, key=lambda name: -last[name])
    heights = apart(np.array([last[name] for name in order]), min(_LEAST_APART, 1 / len(order)))
    place: dict[str, Any] = {"xycoords": "axes fraction", "va": "center", "fontsize": SMALL}
    for name, height in zip(order, heights, strict=True):
        ax.annotate(name, (1.03, height), color=style(name, found)["color"], **place)


def draw_regulators(ax: Axes, bar: Axes, found: Transmission, table: pd.DataFrame) -> None:
    """How much of each perturbation's own shift survives."""
    from matplotlib import colormaps

    values = table.to_numpy()
    most = max(1.0, float(np.nanmax(values, initial=0.0)))
    colours = colormaps[_MAP].with_extremes(bad="0.85")
    image = ax.imshow(
        np.ma.masked_invalid(values), cmap=colours, vmin=0, vmax=most, aspect="auto", interpolation="nearest"
    )
    ax.set_yticks(range(len(table)), labels=table.index, fontsize=SMALL)
    ax.set_xticks(range(table.shape[1]), labels=table.columns, rotation=90, fontsize=SMALL)
    for label, name in zip(ax.get_yticklabels(), table.index, strict=True):
        label.set_color(style(name, found)["color"])
    ax.tick_params(length=0, pad=2)
    ax.spines[:].set_visible(False)
    n = found.regulators["regulator"].nunique()
    which = f"the {table.shape[1]} longest shifts of {n}" if table.shape[1] < n else "the longest shift first"
    ax.set_title(f"how much of each perturbation's shift survives ({which})", fontsize=8, loc="left", pad=3)
    ax.figure.colorbar(image, cax=bar, orientation="horizontal", ticklocation="top")
    bar.tick_params(labelsize=SMALL, length=2, pad=1)


def _of(table: pd.DataFrame, encoder: str) -> pd.DataFrame:
    return table[table["encoder"] == encoder].sort_values("component")


def _numbers(table: pd.DataFrame) -> np.ndarray:
    """Components, counted from one."""
    return table["component"].to_numpy() + 1


def _number_axis(ax: Axes, n: int) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    ticks = [k for k in ((1, 10, 100, 1000) if n > _FEW else (1, 2, 5, 10, 20, 50)) if k <= n]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(0.5, n + 0.5)


def _finish(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x, fontsize=8)
    ax.set_ylabel(y, fontsize=8)
    ax.tick_params(labelsize=SMALL, length=2)
    ax.spines[["top", "right"]].set_visible(False)
