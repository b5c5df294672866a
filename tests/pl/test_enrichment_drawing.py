"""What is drawn is what was selected, read back from matplotlib's objects."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from scclamp.pl._enrichment_drawing import draw
from scclamp.pl._enrichment_frame import Frame
from scclamp.pl._enrichment_table import LEVEL, select

P = np.array([[1e-9, 0.9, 0.2], [0.5, 1e-3, 0.9]])


@pytest.fixture
def hits():
    rows = [
        {
            "regulator": f"R{i}",
            "library": library,
            "term": f"S{j}",
            "overlap": i + 1,
            "set_size": 9,
            "fold": 2.0 + i + j,
        }
        | {"p": p, "p_adjusted": min(1.0, 3 * p)}
        for library in ("one", "other")
        for i, line in enumerate(P)
        for j, p in enumerate(line)
        if (library, i) != ("other", 1)
    ]
    return select(pd.DataFrame(rows), ["R0", "R1"], None, 3)


@pytest.fixture
def panels(hits):
    return _draw(hits, "p_adjusted", [(0, 0, 0)])


def _draw(hits, values, boxes):
    _, ax = plt.subplots()
    draw(ax, hits, Frame(hits), values, boxes)
    return ax.child_axes


def test_colours_are_p_values_or_folds(hits, panels):
    terms = [int(name[1]) for name in hits.blocks[0].terms]
    drawn = panels[0].get_images()[0].get_array()
    np.testing.assert_allclose(drawn, -np.log10(np.minimum(1, 3 * P.T[terms])) + 0.0)
    missing = panels[1].get_images()[0].get_array()
    assert np.ma.getmaskarray(missing).tolist() == [[False, True]] * 3
    folds = _draw(hits, "fold", [])[0].get_images()[0].get_array()
    np.testing.assert_allclose(folds, [[2.0 + i + j for i in range(2)] for j in terms])


def test_dots_mark_what_counts_and_boxes_what_is_expected(hits, panels):
    terms = [int(name[1]) for name in hits.blocks[0].terms]
    marked = {tuple(at) for at in panels[0].collections[0].get_offsets().astype(int).tolist()}
    assert marked == {(i, row) for row, j in enumerate(terms) for i in range(2) if 3 * P[i, j] < LEVEL}
    (box,) = [patch for patch in panels[0].patches if isinstance(patch, Rectangle)]
    assert (box.get_x(), box.get_y(), box.get_fill()) == (-0.5, -0.5, False)
    assert not panels[1].patches


def test_bars_are_the_best_sets(hits, panels):
    bars = panels[2]
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], -np.log10(3 * P.min(1)[[0, 0, 1]]))
    assert [text.get_text() for text in bars.texts] == ["S0 (1 of 9)", "S0 (1 of 9)", "S1 (2 of 9)"]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["R0", "R1"]
    one, other = (colors.to_rgb(bar.get_facecolor()) for bar in bars.patches[:2])
    assert one != other == colors.to_rgb(Frame(hits).colours["other"])
    assert bars.lines[0].get_xdata()[0] == pytest.approx(-np.log10(0.05))


def test_what_does_not_count_is_pale(hits):
    weak = select(hits.best.assign(p_adjusted=0.2), None, None, 3)
    bars = _draw(weak, "p_adjusted", [])[2]
    assert {bar.get_alpha() for bar in bars.patches} == {0.35}
    assert {text.get_color() for text in bars.texts} == {"0.4"}
    assert all(text.get_path_effects() for text in bars.texts)


def test_colours_are_pale_where_nothing_is_significant(hits):
    table = hits.best.assign(p_adjusted=0.2)
    assert _draw(select(table, None, None, 3), "p_adjusted", [])[0].get_images()[0].get_clim() == (0.0, 3.0)
    assert _draw(hits, "p_adjusted", [])[0].get_images()[0].get_clim()[1] == pytest.approx(-np.log10(3e-9))
