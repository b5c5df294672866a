"""What is drawn is what the graph says, read back from matplotlib's objects."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt
from matplotlib.collections import EllipseCollection, LineCollection, PolyCollection

from scclamp.pl._network_drawing import draw, extent
from scclamp.pl._network_graph import choose
from scclamp.pl._network_layout import arrange
from scclamp.pl._network_legend import DOWN, UP

ROWS = [("A", "x", 2.0), ("A", "y", -1.5), ("A", "B", 1.0), ("B", "x", -0.5), ("B", "z", 0.25)]


@pytest.fixture
def drawn():
    edges = pd.DataFrame(ROWS, columns=["regulator", "target", "weight"])
    graph = choose(edges, ["A", "B"], 4, pd.MultiIndex.from_tuples([("A", "y"), ("B", "y")]))
    layout = arrange(graph)
    _, ax = plt.subplots()
    draw(ax, graph, layout, latent={"B"}, reference="trrust")
    return ax, graph, layout


def _collections(ax, kind):
    return [c for c in ax.collections if isinstance(c, kind)]


def test_signs_differ_in_colour_dashes_and_heads(drawn):
    ax, graph, _ = drawn
    shafts = {c.get_label(): c for c in _collections(ax, LineCollection) if not c.get_label().startswith("_")}
    (arrows,) = _collections(ax, PolyCollection)
    (bars,) = [c for c in _collections(ax, LineCollection) if c.get_label().startswith("_")]
    n_up = int((graph.edges["weight"] > 0).sum())
    assert len(shafts["activation"].get_segments()) == len(arrows.get_paths()) == n_up == 2
    assert len(shafts["repression"].get_segments()) == len(bars.get_segments()) == 2
    assert shafts["activation"].get_linestyle()[0][1] is None
    assert shafts["repression"].get_linestyle()[0][1] is not None
    for name, colour in (("activation", UP), ("repression", DOWN)):
        np.testing.assert_allclose(shafts[name].get_color()[0][:3], colors.to_rgb(colour))
    np.testing.assert_allclose(arrows.get_facecolor()[0], colors.to_rgba(UP))


def test_known_targets_are_filled_and_others_hollow(drawn):
    ax, graph, layout = drawn
    (dots,) = _collections(ax, EllipseCollection)
    filled = dict(zip(graph.leaves, dots.get_facecolor()[:, 0] < 0.5, strict=True))
    assert filled == {"x": False, "y": True}
    np.testing.assert_allclose(dots.get_offsets(), layout.leaves)


def test_regulators_that_were_not_measured_are_hollow(drawn):
    ax, _, _ = drawn
    fill = {patch.get_label(): patch.get_facecolor()[0] for patch in ax.patches}
    assert fill["A"] < 0.5 < fill["B"] == 1.0


def test_every_node_has_its_name_and_what_is_missing_is_said(drawn):
    ax, graph, layout = drawn
    assert {text.get_text() for text in ax.texts} == {*graph.hubs, *graph.leaves}
    assert ax.get_xlabel() == "The strongest only: 4 of 5 edges, 2 of 2 regulators."
    assert min(text.get_fontsize() for text in ax.texts) >= 7
    width, height = extent(layout)
    assert (np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())) == pytest.approx((width, height))
