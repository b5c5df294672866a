"""Modules of regulators that act alike: cut from their tree, drawn as a numbered bar above the columns."""

from __future__ import annotations

import textwrap
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp.pl._text import SMALL, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ALIKE = 0.5
"""Mean cosine of the weights within a module."""
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "#999999")
"""Okabe and Ito's light colours, on which black numbers can be read."""
_MOST_MEMBERS = 8
_MOST_ORDERED = 200
_ABOVE, _BAR = 6.5, 9.0
"""Points from the columns to the middle of the bar, and its height."""


def regulator_tree(weights: np.ndarray) -> np.ndarray:
    """Linkage of columns by the cosine of their weights; one without any is like no other."""
    from scipy.cluster.hierarchy import linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    filled = np.nan_to_num(weights.T)
    unit = filled / np.maximum(np.linalg.norm(filled, axis=1, keepdims=True), 1e-12)
    distance = np.clip(1 - unit @ unit.T, 0, None)
    np.fill_diagonal(distance, 0)
    condensed = squareform(distance, checks=False)
    tree = linkage(condensed, "average")
    return optimal_leaf_ordering(tree, condensed) if len(unit) <= _MOST_ORDERED else tree


def leaves_in_order(tree: np.ndarray) -> np.ndarray:
    """Position of the columns from left to right."""
    from scipy.cluster.hierarchy import leaves_list

    return leaves_list(tree)


def modules(tree: np.ndarray, n_modules: int | None) -> np.ndarray:
    """Module of each column, numbered from left to right; 0 for none."""
    from scipy.cluster.hierarchy import cut_tree, fcluster

    if n_modules is None:
        labels = np.asarray(fcluster(tree, 1 - _ALIKE, "distance"), int)
        alone = np.bincount(labels)[labels] == 1
    else:
        labels = np.asarray(cut_tree(tree, [n_modules])[:, 0], int)
        alone = np.zeros(len(labels), bool)
    order = leaves_in_order(tree)
    number = {label: i + 1 for i, label in enumerate(dict.fromkeys(labels[order][~alone[order]].tolist()))}
    return np.array([0 if single else number[label] for label, single in zip(labels.tolist(), alone, strict=True)])


def draw_modules(ax: Axes, labels: np.ndarray) -> None:
    """Draw a bar above the columns, in which each module has a number, and lines at its borders."""
    from matplotlib.patches import Rectangle
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    figure = ax.figure
    # Inches above the axes. The bar is of patches: matplotlib 3.10 leaves no room for thick lines without height.
    inches = figure.dpi_scale_trans + ScaledTranslation(0, 1, ax.transAxes)  # type: ignore[arg-type]  # any transform without bends
    above = blended_transform_factory(ax.transData, inches)
    middle = _ABOVE / 72
    pitch = ax.get_window_extent().width / figure.dpi * 72 / len(labels)
    for number, colour in zip(range(1, labels.max() + 1), cycle(_COLOURS), strict=False):
        at = np.flatnonzero(labels == number)
        ends = at[0] - 0.5, at[-1] + 0.5
        style: dict[str, Any] = {"transform": above, "clip_on": False}
        corner = ends[0], middle - _BAR / 144
        bar = Rectangle(corner, len(at), _BAR / 72, facecolor=colour, lw=0, label=f"module {number}", **style)
        ax.add_artist(bar)
        ax.vlines(ends, -0.02, 1, transform=ax.get_xaxis_transform(), color="0.4", lw=0.5, clip_on=True)
        if text_width(str(number)) < pitch * len(at):
            ax.text(at.mean(), middle, str(number), ha="center", va="center", fontsize=SMALL, **style)
    if labels.any():
        ax.text(-0.5, middle, "module ", ha="right", va="center", fontsize=SMALL, transform=above)


def describe_modules(labels: np.ndarray, names: list[str], width: float) -> str:
    """Members of each module, for columns too many to be named, in lines of a width in points."""
    parts = []
    for number in range(1, labels.max() + 1):
        members = [name for name, label in zip(names, labels, strict=True) if label == number]
        more = f" and {len(members) - _MOST_MEMBERS} more" if len(members) > _MOST_MEMBERS else ""
        parts.append(f"{number}:\N{NO-BREAK SPACE}{', '.join(members[:_MOST_MEMBERS])}{more}")
    return textwrap.fill(";  ".join(parts), int(width / (0.6 * SMALL)), break_on_hyphens=False)
