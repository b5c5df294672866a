import numpy as np
import pytest
from matplotlib import pyplot as plt

from scclamp.pl._text import SMALL, apart, text_width, widest


@pytest.mark.parametrize(("text", "size", "bold"), [("SPI1", SMALL, False), ("HOXC13", 8.0, True)])
def test_widths_are_those_that_are_drawn(text, size, bold):
    fig = plt.figure(dpi=72)
    drawn = fig.text(0, 0, text, size=size, weight="bold" if bold else "normal")
    assert text_width(text, size, bold=bold) == pytest.approx(drawn.get_window_extent().width, rel=0.1)


def test_the_widest_counts():
    assert widest(["I", "WWW", "II"]) == text_width("WWW")
    assert widest([]) == 0


def test_heights_move_as_little_as_needed():
    wanted = np.array([9.0, 5.0, 5.0, 4.9, 0.0])
    found = apart(wanted, 1.0)
    assert (-np.diff(found) >= 1 - 1e-12).all()
    np.testing.assert_allclose(found[[0, 4]], wanted[[0, 4]])
    np.testing.assert_allclose(found[1:4].mean(), wanted[1:4].mean())
