"""How much room letters take, and how they keep apart."""

from __future__ import annotations

import numpy as np

SMALL = 7.0
"""The smallest letters of any plot, in points."""


def text_width(text: str, size: float = SMALL, *, bold: bool = False) -> float:
    """Width of a text in points.

    Examples
    --------
    >>> text_width("MM") > text_width("M")
    True
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0])


def widest(texts: list[str], size: float = SMALL) -> float:
    """Width of the widest of some texts in points, 0 of none."""
    return max((text_width(text, size) for text in texts), default=0.0)


def apart(wanted: np.ndarray, least: float) -> np.ndarray:
    """Move heights, given from top to bottom, as little as needed to keep a distance.

    Examples
    --------
    >>> apart(np.array([5.0, 1.0, 1.0]), 1.0).tolist()
    [5.0, 1.5, 0.5]
    """
    from scipy.optimize import isotonic_regression

    offset = least * np.arange(len(wanted))
    return isotonic_regression(wanted + offset, increasing=False).x - offset
