import numpy as np
import pytest

from scclamp.pl._axes import new_axes
from scclamp.pl._panels import side_by_side, stacked


@pytest.mark.parametrize(("cut", "low", "high"), [(side_by_side, "x0", "x1"), (stacked, "y0", "y1")])
def test_parts_fill_the_axes_in_the_order_given(cut, low, high):
    ax = new_axes(None, (4.0, 4.0))
    ax.figure.set_layout_engine("none")
    panels = cut(ax, [2, 1], gap=1)
    ax.figure.canvas.draw()
    whole, first, second = (each.get_position() for each in (ax, *panels))
    start, end = getattr(whole, low), getattr(whole, high)
    found = [(getattr(box, side) - start) / (end - start) for box in (first, second) for side in (low, high)]
    expected = [0, 0.5, 0.75, 1] if cut is side_by_side else [0.5, 1, 0, 0.25]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert ax.child_axes == panels
