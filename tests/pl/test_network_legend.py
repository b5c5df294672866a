import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from scclamp.pl._network_graph import choose
from scclamp.pl._network_layout import FONT
from scclamp.pl._network_legend import DOWN, UP, legend, widths


def make(weights, **columns):
    edges = pd.DataFrame({"regulator": "R", "target": [f"T{i}" for i in range(len(weights))], "weight": weights})
    return choose(edges.assign(**columns), ["R"], 100, None)


def test_widths_are_confidence_in_an_ensemble():
    graph = make([4.0, -3.0, 2.0, -1.0], sd=[1.0, 0.2, 1.5, 0.0])
    thin, middle, wide = 0.5, 1.0, 1.7
    assert widths(graph).tolist() == [middle, wide, thin, wide]


def test_widths_are_weights_of_a_single_member():
    found = widths(make([4.0, -2.0, 1.0]))
    np.testing.assert_allclose(np.diff(found) / np.diff([4.0, 2.0, 1.0]), (found[0] - found[1]) / 2.0)


def _texts(graph, **options):
    _, ax = plt.subplots()
    legend(ax, graph, **{"latent": False, "reference": None} | options)
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize(
    ("sd", "expected"),
    [(None, ["weight 4", "weight 1"]), (2.0, ["weight 2 to 5\ntimes its spread", "weight below 2\ntimes its spread"])],
)
def test_only_widths_that_are_drawn_are_explained(sd, expected):
    columns = {} if sd is None else {"sd": sd}
    assert _texts(make([4.0, -1.0], **columns)) == ["activation", "repression", *expected]


def test_nodes_are_explained_where_they_differ():
    found = _texts(make([4.0, -1.0]), latent=True, reference="trrust")
    assert found[-3:] == [
        "target known in\ntrrust\n(0 of 2 edges)",
        "other target",
        "not measured: edges are\nresponses to its\nperturbation",
    ]


def test_lines_of_the_legend_end_as_edges_do():
    fig, ax = plt.subplots()
    legend(ax, make([1.0]), latent=False, reference=None)
    fig.canvas.draw()
    tips = {
        line.get_marker(): line.get_color()
        for line in ax.get_legend().findobj(plt.Line2D)
        if len(line.get_xdata()) == 1
    }
    assert {">": UP, "|": DOWN}.items() <= tips.items()
    assert min(text.get_fontsize() for text in ax.get_legend().get_texts()) >= FONT
