"""One panel: shades against ranks of scipy, marks against a comparison of every score with every null."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from scclamp.pl._benchmark_panel import NAMES, Panel, draw

INDEX = ["mine", "other", "third", "no_change", "additive"]
NULL = [False, False, False, True, True]


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(5, len(NAMES))), INDEX, list(NAMES))
    table.loc["third", "skill"] = np.nan
    table.loc[["no_change", "additive"], "cosine_delta"] = np.nan
    table.loc["other", "mse"] = table.loc["additive", "mse"]
    return table


@pytest.fixture
def drawn(scores):
    from matplotlib import pyplot as plt

    _, ax = plt.subplots()
    draw(ax, Panel(scores, np.array([True, False, True, True, False]), "heading"), INDEX)
    yield ax
    plt.close("all")


def good(scores):
    """The higher the better."""
    return scores.assign(mse=-scores["mse"], mae=-scores["mae"])


def test_the_best_of_a_column_is_the_darkest(drawn, scores):
    shade = np.ma.filled(drawn.images[0].get_array(), np.nan)
    for j, name in enumerate(scores):
        column = good(scores)[name].to_numpy()
        known = np.isfinite(column)
        ranks = rankdata(column[known])
        np.testing.assert_allclose(shade[known, j] / 0.75, (ranks - 1) / (known.sum() - 1), atol=1e-12)
        assert np.isnan(shade[~known, j]).all()


def test_what_any_null_reaches_is_marked(drawn, scores):
    marks = {
        (round(line.get_ydata()[0]), int(line.get_xdata()[0])) for line in drawn.get_lines() if line.get_marker() == "D"
    }
    values = good(scores).to_numpy()
    expected = {
        (i, j)
        for i, j in np.ndindex(values.shape)
        if not NULL[i] and any(values[k, j] >= values[i, j] for k in range(5) if NULL[k])
    }
    assert marks == expected
    assert (1, list(NAMES).index("mse")) in marks, "as good is enough"


def test_numbers_are_short_and_honest(drawn, scores):
    cells = {(round(text.get_position()[1]), round(text.get_position()[0])): text for text in drawn.texts}
    assert len(cells) == scores.size
    for (i, j), text in cells.items():
        value, name = scores.iloc[i, j], scores.columns[j]
        if np.isnan(value):
            assert text.get_text() == "–"
            continue
        shown = float(text.get_text().replace("−", "-"))
        assert shown == pytest.approx(value, rel=6e-3 if name in ("mse", "mae") else 0, abs=0.0051)
        assert ("−" in text.get_text()) == (shown < 0) or name in ("mse", "mae"), "no minus before a zero"
    bold = {at for at, text in cells.items() if text.get_fontweight() == "bold"}
    assert {at for at in bold if at[0] != 2} == {(0, 0), (3, 0)}, "only the skill, where it is certain"


def test_a_line_stands_above_the_nulls(drawn, scores):
    (rule,) = [line for line in drawn.get_lines() if line.get_color() == "black"]
    assert set(rule.get_ydata()) == {2.5}
    assert [label.get_text() for label in drawn.get_yticklabels()] == INDEX
    assert [label.get_text() for label in drawn.get_xticklabels()] == list(NAMES.values())


def test_nulls_alone_have_no_line_and_no_marks(scores):
    from matplotlib import pyplot as plt

    _, ax = plt.subplots()
    draw(ax, Panel(scores.iloc[3:], np.array([False, False]), ""), [])
    assert not [line for line in ax.get_lines() if line.get_color() == "black" or line.get_marker() == "D"]
    assert len(ax.get_yticks()) == 0
    plt.close("all")
