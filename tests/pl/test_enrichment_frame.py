import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from scclamp.pl._enrichment_frame import MOST_BARS, Frame
from scclamp.pl._enrichment_table import select


def make(n_regulators, n_libraries):
    rng = np.random.default_rng(0)
    rows = [
        {
            "regulator": f"R{i}",
            "library": f"L{k}",
            "term": f"S{j}",
            "overlap": 3,
            "set_size": 9,
            "fold": 2.0,
            "p": p,
            "p_adjusted": p,
        }
        for i in range(n_regulators)
        for k in range(n_libraries)
        for j, p in enumerate(rng.uniform(size=4))
    ]
    return select(pd.DataFrame(rows), None, None, 4)


def test_bars_that_are_too_many_become_one_for_each_regulator():
    hits = make(10, 3)
    assert len(Frame(hits).best) == 30
    hits = make(20, 2)
    best = Frame(hits).best
    assert len(best) == 20 <= MOST_BARS
    assert best["regulator"].tolist() == list(hits.regulators)
    np.testing.assert_allclose(best["p"], hits.best.groupby("regulator")["p"].min()[list(hits.regulators)])


@pytest.mark.parametrize(("n_regulators", "n_libraries"), [(1, 1), (2, 5), (30, 1)])
def test_panels_lie_side_by_side_within_the_frame(n_regulators, n_libraries):
    frame = Frame(make(n_regulators, n_libraries))
    _, ax = plt.subplots(figsize=frame.inches)
    one = frame.panel(ax, 0, 0, frame.cell * n_regulators, 50)
    other = frame.panel(ax, frame.right, 0, frame.bars_width, frame.bars)
    ax.figure.canvas.draw()
    (a, b), whole = (panel.get_window_extent() for panel in (one, other)), ax.get_window_extent()
    assert a.x1 < b.x0
    assert b.x1 == pytest.approx(whole.x1)
    assert (a.x0, a.y1) == pytest.approx((whole.x0, whole.y1))
    assert b.y0 > whole.y0
    assert a.height / whole.height == pytest.approx(50 / frame.height)


def test_names_need_room():
    sizes = [Frame(make(n, 1)).inches for n in (1, 5, 30)]
    assert all(one[0] < other[0] for one, other in itertools.pairwise(sizes))
