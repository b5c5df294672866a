"""Look at figures: compare one with the picture it is known to give, and check that it can be read. Loaded with `runpy`.

    def test_picture(fitted, same_image, legible):
        figure = sc_c.pl.loss(fitted, return_fig=True)
        legible(figure)
        same_image(figure, "loss")

The pictures lie in `baseline/`. Draw them anew with `SCCLAMP_BASELINES=write`, look at each, and commit those that are right:

    SCCLAMP_BASELINES=write make test ARGS=tests/pl

They hold no text: every version of matplotlib and of FreeType sets letters a little differently, and all else moves with them.
What a figure says is for the assertions of its own test; `legible` judges how. Numbers that no machine rounds differently into
sight make a good picture: a network stored with `tests/_stored_fits.py` rather than one that was fitted.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from scipy.ndimage import maximum_filter, minimum_filter

BASELINE = Path(__file__).parent / "baseline"
DPI = 100
REACH = 3
"""Pixels that things may move: other versions round places otherwise."""
TOLERANCE = 2.0
"""Levels of 256, see `difference`. Matplotlib 3.10 and 3.11 differ by less than 1; a thin dashed line more or less, in a figure of usual
size, gives 5."""
LARGEST = 40_000
"""Bytes of a picture: the repository keeps every version of each."""
SMALLEST = 7.0
"""Points of the smallest letters that a journal prints."""


@contextmanager
def defaults() -> Iterator[None]:
    """Draw as matplotlib does by itself, whatever the user's own settings."""
    with mpl.rc_context():
        mpl.rcdefaults()
        yield


@contextmanager
def _without_text(figure: Figure) -> Iterator[None]:
    hidden: list[Artist] = [a for kind in (Text, Legend) for a in figure.findobj(kind) if a.get_visible()]
    in_layout = [artist.get_in_layout() for artist in hidden]
    for artist in hidden:
        artist.set(visible=False, in_layout=False)
    yield
    for artist, before in zip(hidden, in_layout, strict=True):
        artist.set(visible=True, in_layout=before)


def comparer(folder: Path, baseline: Path = BASELINE) -> Callable[[Figure, str], None]:
    """Return what compares a figure with the picture of a name, writing what it drew to a folder."""

    def compare(figure: Figure, name: str) -> None:
        drawn, expected = folder / f"{name}.png", baseline / f"{name}.png"
        with _without_text(figure):
            figure.savefig(drawn, dpi=DPI, facecolor="white", metadata={"Software": None})
        if os.environ.get("SCCLAMP_BASELINES") == "write":
            baseline.mkdir(exist_ok=True)
            expected.write_bytes(drawn.read_bytes())
        if not expected.exists():
            pytest.fail(f"no picture {expected.name} in {baseline}: see tests/pl/_images.py")
        size = expected.stat().st_size
        assert size <= LARGEST, f"{expected.name} has {size} bytes, more than {LARGEST}: draw a smaller figure"
        found = difference(*(plt.imread(path)[..., :3] * 255 for path in (expected, drawn)))
        assert found <= TOLERANCE, f"{drawn} differs from {expected}: by {found:.2f}, more than {TOLERANCE}"

    return compare


def difference(expected: np.ndarray, drawn: np.ndarray) -> float:
    """Root mean square of what one picture shows and the other does not within `REACH` pixels of the same place.

    A pixel counts by how far it is from the range of the values around it in the other picture.
    """
    if np.abs(np.subtract(expected.shape, drawn.shape)).max() > REACH:
        return np.inf
    height, width = np.minimum(expected.shape, drawn.shape)[:2]
    pictures = [picture[:height, :width] for picture in (expected, drawn)]
    around = {"size": (2 * REACH + 1, 2 * REACH + 1, 1)}
    apart = [
        np.maximum(one - maximum_filter(other, **around), minimum_filter(other, **around) - one).clip(0)
        for one, other in (pictures, pictures[::-1])
    ]
    return float(np.sqrt(np.square(np.maximum(*apart)).mean()))


def legible(figure: Figure) -> None:
    """Every text is large enough, lies inside the figure, and covers no other text."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = _drawn(figure)
    small = {t.get_text(): t.get_fontsize() for t in texts if t.get_fontsize() < SMALLEST}
    assert not small, f"letters below {SMALLEST} points: {small}"
    # The box of a text leaves room for ascenders and descenders that it may not have: a tenth of a line may be shared.
    boxes = [(t.get_text(), t.get_window_extent(renderer), 0.1 * t.get_fontsize() * figure.dpi / 72) for t in texts]
    frame = figure.bbox.padded(1.0)
    for text, box, _ in boxes:
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        assert inside, f"{text!r} leaves the figure: {box.extents} in {frame.extents}"
    for (a, first, gap), (b, second, _) in itertools.combinations(boxes, 2):
        assert not first.padded(-gap).overlaps(second.padded(-gap)), f"{a!r} covers {b!r}"


def _drawn(figure: Figure) -> list[Text]:
    """Texts that are drawn: labels of ticks outside the limits, and of axes without axis lines, exist and are not."""
    lost: set[int] = set()
    for axes in figure.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            shown = axis._update_ticks() if axes.axison and axes.get_visible() else []
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            lost |= {id(text) for tick in ticks if tick not in shown for text in (tick.label1, tick.label2)}
            if not (axes.axison and axes.get_visible()):
                lost |= {id(axis.label), id(axis.offsetText)}
        if not axes.get_visible():
            lost |= {id(text) for text in axes.findobj(Text)}
    found = dict.fromkeys(text for text in figure.findobj(Text) if id(text) not in lost)
    return [text for text in found if text.get_visible() and text.get_text().strip()]
