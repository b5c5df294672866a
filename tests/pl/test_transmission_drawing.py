"""What is drawn is what was measured, read back from matplotlib's objects."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from scclamp.pl._axes import COLOURS
from scclamp.pl._transmission_drawing import draw_captured, draw_components, draw_preserved, draw_regulators, style
from scclamp.pl._transmission_table import Transmission

NAMES = ("identity", "one", "two")


def make(bases=("alpha", "gamma"), names=NAMES):
    rng = np.random.default_rng(0)
    summary = [
        {"encoder": n, "basis": b, "preserved": v, "low": 0.9 * v, "high": 1.2 * v, "null": 0.5 * v}
        for n, b, v in zip(
            np.repeat(names, len(bases)), list(bases) * len(names), rng.uniform(0.001, 1, 99), strict=False
        )
    ]
    weight = np.array([0.7, 0.2, 0.1])
    components = [
        pd.DataFrame(
            {
                "encoder": n,
                "component": range(3),
                "weight": weight,
                "t": t,
                "sd": 0.1,
                "captured": np.cumsum(weight * t**2),
            }
        )
        for n, t in zip(names, rng.uniform(0, 1, (len(names), 3)), strict=True)
    ]
    regulators = pd.DataFrame(
        [(n, f"R{i}", p, 3.0 - i) for n in names for i, p in enumerate(rng.uniform(size=4))],
        columns=["encoder", "regulator", "preserved", "shift"],
    )
    return Transmission(names, bases[-1], pd.DataFrame(summary), pd.concat(components), regulators)


@pytest.fixture
def ax():
    return plt.subplots()[1]


def test_points_are_fractions_with_their_intervals(ax):
    found = make()
    draw_preserved(ax, found)
    points = [line for line in ax.get_lines() if line.get_marker() == "o"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in points], found.summary["preserved"])
    spans = [line.get_xdata() for line in ax.get_lines() if len(line.get_xdata()) == 2][:6]
    np.testing.assert_allclose(spans, found.summary[["low", "high"]])
    hollow = [line.get_markerfacecolor() == "white" for line in points]
    assert hollow == (found.summary["basis"] == "alpha").tolist()
    assert [label.get_text() for label in ax.get_yticklabels()] == list(NAMES)
    nulls = [line for line in ax.get_lines() if line.get_marker() == "|"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in nulls], found.summary["null"])
    assert {line.get_color() for line in nulls} == {COLOURS["reference"]}
    words = "preserved fraction\n○ α: control cells   ● γ: shifts\nreport γ, not α   grey: shuffled labels"
    assert ax.get_xlabel() == words


@pytest.mark.parametrize(("basis", "note"), [("alpha", "\nreport γ, not α"), ("gamma", "")])
def test_what_to_report_is_said_of_control_components_alone(ax, basis, note):
    found = make(bases=(basis,))
    found.summary["null"] = np.nan
    draw_preserved(ax, found)
    assert ax.get_xlabel() == f"preserved fraction\n● {'α: control cells' if basis == 'alpha' else 'γ: shifts'}{note}"


def test_points_without_an_interval_are_within_the_axis(ax):
    found = make()
    found.summary[["low", "high"]] = np.nan
    found.summary["preserved"] *= 5
    draw_preserved(ax, found)
    assert ax.get_xlim()[1] > found.summary["preserved"].max() > 1.08


def test_small_fractions_are_not_written_as_nothing(ax):
    found = make(bases=("gamma",))
    found.summary.loc[:, "preserved"] = [1.0, 0.0028, 0.999]
    draw_preserved(ax, found)
    assert [text.get_text() for text in ax.texts] == ["1.00", "0.003", "1.00"]


def test_lines_are_transmission_over_the_share_of_the_signal(ax):
    found = make()
    draw_components(ax, found)
    for line, (_, own) in zip(ax.get_lines(), found.components.groupby("encoder"), strict=True):
        np.testing.assert_allclose(line.get_ydata(), own["t"])
        assert line.get_xdata().tolist() == [1, 2, 3]
    bars = np.array([bar.get_height() for bar in ax.patches])
    np.testing.assert_allclose(bars / bars.sum(), [0.7, 0.2, 0.1])
    (right,) = ax.child_axes
    ax.figure.canvas.draw()
    np.testing.assert_allclose(np.divide(*(a.get_ylim()[1] for a in (right, ax))), 0.7 / bars.max())


@pytest.mark.parametrize("n", [1, 2, 9, 99, 100, 200, 2000])
def test_numbers_of_components_keep_apart(legible, n):
    figure = plt.figure(figsize=(3, 3))
    # As wide as in the figure that has its own size.
    ax = figure.add_axes((0.3, 0.3, 97 / 216, 0.6))
    found = make(names=("identity",))
    own = pd.DataFrame({"encoder": "identity", "component": range(n), "captured": np.linspace(0, 1, n)})
    draw_captured(ax, dataclasses.replace(found, components=own))
    ax.texts[0].set_visible(False)
    legible(figure)
    assert 1 in ax.get_xticks()


def test_captured_lines_carry_their_names(ax):
    found = make()
    draw_captured(ax, found)
    for line, (name, own) in zip(ax.get_lines(), found.components.groupby("encoder"), strict=True):
        np.testing.assert_allclose(line.get_ydata(), own["captured"])
        assert line.get_color() == style(name, found)["color"]
    heights = {text.get_text(): text.xy[1] for text in ax.texts}
    assert set(heights) == set(NAMES)
    last = found.components.groupby("encoder")["captured"].last()
    assert sorted(heights, key=heights.get) == sorted(NAMES, key=last.get)
    assert np.diff(np.sort(list(heights.values()))).min() > 0.08


def test_cells_are_shares_of_each_perturbation(ax):
    found = make()
    table = found.preserved(3)
    draw_regulators(ax, ax.figure.add_axes((0.1, 0.95, 0.2, 0.02)), found, table)
    np.testing.assert_allclose(ax.get_images()[0].get_array(), table)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["R0", "R1", "R2"]
    assert ax.get_title(loc="left") == "how much of each perturbation's shift survives (the 3 longest shifts of 4)"
    assert ax.get_images()[0].get_clim() == (0.0, 1.0)


def test_encoders_differ_in_colour_or_dashes():
    names = ("identity", *(f"E{i}" for i in range(12)))
    looks = [style(name, make(names=names)) for name in names]
    assert len({(look["color"], str(look["ls"])) for look in looks}) == 13
