"""Compare a figure with the picture it is known to give. Loaded with `runpy`; tests ask for the fixture `same_image`.

    def test_picture(fitted, same_image):
        same_image(sc_c.pl.loss(fitted, return_fig=True), "loss")

The pictures lie in `baseline/`. Draw them anew with `SCCLAMP_BASELINES=write`, look at each, and commit those that are right:

    SCCLAMP_BASELINES=write make test ARGS=tests/pl

A picture should come from numbers that no machine rounds differently into sight: a network stored with
`tests/_stored_fits.py` rather than one that was fitted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images

BASELINE = Path(__file__).parent / "baseline"
DPI = 100
TOLERANCE = 12.0
"""Root mean square over the 256 levels of a channel: other versions of matplotlib set letters a little differently."""
LARGEST = 40_000
"""Bytes of a picture: the repository keeps every version of each."""


@contextmanager
def defaults() -> Iterator[None]:
    """Draw as matplotlib does by itself, whatever the user's own settings."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams["text.hinting"] = "none"
        yield


def comparer(folder: Path, baseline: Path = BASELINE) -> Callable[[Figure, str], None]:
    """Return what compares a figure with the picture of a name, writing what it drew to a folder."""

    def compare(figure: Figure, name: str) -> None:
        drawn, expected = folder / f"{name}.png", baseline / f"{name}.png"
        figure.savefig(drawn, dpi=DPI, facecolor="white", metadata={"Software": None})
        if os.environ.get("SCCLAMP_BASELINES") == "write":
            baseline.mkdir(exist_ok=True)
            expected.write_bytes(drawn.read_bytes())
        if not expected.exists():
            pytest.fail(f"no picture {expected.name} in {baseline}: see tests/pl/_images.py")
        size = expected.stat().st_size
        assert size <= LARGEST, f"{expected.name} has {size} bytes, more than {LARGEST}: draw a smaller figure"
        difference = compare_images(str(expected), str(drawn), tol=TOLERANCE)
        assert difference is None, difference

    return compare
