import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp.predictors import NULLS

SCORES = {
    # predictor: skill, low, Pearson, discrimination, mse
    "mine": (0.2, 0.1, 0.7, 0.80, 0.10),
    "linear_pca": (-0.3, -0.5, 0.5, 0.95, 0.30),
    "no_change": (-1.0, -2.0, np.nan, np.nan, 0.40),
    "additive": (0.0, 0.0, 0.6, 0.90, 0.125),
}


def _table(splits=(("additive", "combo_seen2"),), seeds=(0,), scores=SCORES):
    columns = ["skill", "skill_low", "pearson_delta", "discrimination_score", "mse"]
    return pd.DataFrame(
        [
            {"split": split, "seed": seed, "subgroup": group, "predictor": name, "n_targets": 9 + seed}
            | dict(zip(columns, values, strict=True))
            for split, group in splits
            for seed in seeds
            for name, values in scores.items()
        ]
    )


def _panels(ax):
    """Axes of the panels, those that stay empty left out."""
    return [panel for strip in ax.child_axes for panel in strip.child_axes if panel.images]


def _cells(panel):
    """Text of each cell by row and column."""
    return {(round(t.get_position()[1]), round(t.get_position()[0])): t for t in panel.texts}


def test_picture(same_image, legible):
    table = _table(splits=[("additive", "combo_seen2"), ("singles", "unseen_single")])
    figure = sc_c.pl.benchmark(table, return_fig=True)
    legible(figure)
    same_image(figure, "benchmark")


def test_predictors_stand_above_nulls_with_their_scores():
    shuffled = _table().iloc[[2, 0, 3, 1]]
    (panel,) = _panels(sc_c.pl.benchmark(shuffled))
    assert [t.get_text() for t in panel.get_yticklabels()] == [
        "mine",
        "linear pca",
        "no change (null)",
        "additive (null)",
    ]
    assert [t.get_text().replace("\n", " ") for t in panel.get_xticklabels()] == [
        "skill",
        "Pearson Δ",
        "discrimi- nation",
        "MSE",
    ]
    cells = {at: text.get_text() for at, text in _cells(panel).items()}
    assert [cells[0, j] for j in range(4)] == ["0.20", "0.70", "0.80", "0.1"]
    assert [cells[2, j] for j in range(4)] == ["−1.00", "–", "–", "0.4"]
    (rule,) = [line for line in panel.get_lines() if line.get_color() == "black"]
    assert set(rule.get_ydata()) == {1.5}


def test_shades_are_ranks_in_the_better_direction():
    (panel,) = _panels(sc_c.pl.benchmark(_table()))
    drawn = panel.images[0].get_array()
    shade = np.ma.filled(drawn, np.nan) / drawn.max()
    expected = [[1, 1, 0, 1], [1 / 3, 0, 1, 1 / 3], [0, np.nan, np.nan, 0], [2 / 3, 0.5, 0.5, 2 / 3]]
    np.testing.assert_allclose(shade, expected)


def test_what_a_null_reaches_is_marked_and_what_is_certain_is_bold():
    (panel,) = _panels(sc_c.pl.benchmark(_table()))
    marks = {
        (round(line.get_ydata()[0]), int(line.get_xdata()[0])) for line in panel.get_lines() if line.get_marker() == "D"
    }
    assert marks == {(0, 2), (1, 0), (1, 1), (1, 3)}
    bold = {at for at, text in _cells(panel).items() if text.get_fontweight() == "bold"}
    assert bold == {(0, 0)}


def test_seeds_are_averaged_and_counted():
    table = _table(seeds=(0, 2))
    table.loc[(table["predictor"] == "mine") & (table["seed"] == 2), ["skill", "skill_low"]] = [0.4, -0.1]
    (panel,) = _panels(sc_c.pl.benchmark(table))
    cell = _cells(panel)[0, 0]
    assert (cell.get_text(), cell.get_fontweight()) == ("0.30", "normal")
    assert panel.get_title(loc="left") == "additive\ncombinations, genes seen: 2\n(n = 9 to 11, 2 seeds)"


@pytest.mark.parametrize("metrics", ["skill", ["skill", "mse"], None])
def test_headings_stay_above_their_own_panels(legible, metrics):
    splits = [("a split with a long name", f"combo_seen{i}") for i in range(4)]
    ax = sc_c.pl.benchmark(_table(splits=splits, seeds=(0, 1)), metrics)
    legible(ax.get_figure())
    for panel in _panels(ax):
        assert panel._left_title.get_window_extent().x1 <= panel.get_window_extent().x1 + 8


@pytest.mark.parametrize("n", [1, 3, 7])
def test_every_split_and_subgroup_has_a_panel(legible, n):
    splits = [(f"split_{i}", "seen_combo" if i % 2 else "unseen_single") for i in range(n)]
    ax = sc_c.pl.benchmark(_table(splits=splits))
    legible(ax.get_figure())
    titles = [panel.get_title(loc="left").split("\n")[0] for panel in _panels(ax)]
    assert titles == [f"split {i}" for i in range(n)]
    assert len(ax.child_axes) == -(-n // 3)


def test_many_predictors_can_be_read(legible):
    many = {f"my predictor number {i:02d}": SCORES["mine"] for i in range(40)} | SCORES
    legible(sc_c.pl.benchmark(_table(scores=many), return_fig=True))
    nulls = dict.fromkeys(NULLS, SCORES["additive"])
    (panel,) = _panels(sc_c.pl.benchmark(_table(scores=nulls)))
    assert not [line for line in panel.get_lines() if line.get_color() == "black"]


def test_a_table_of_the_benchmark_is_taken_as_it_is():
    table = sc_c.tl.benchmark(sc_c.datasets.simulated("tiny"), "linear_pca")
    (panel,) = _panels(sc_c.pl.benchmark(table, ["skill", "mae"]))
    own = table.set_index("predictor")["skill"]
    text = _cells(panel)[0, 0].get_text().replace("−", "-")
    assert float(text) == pytest.approx(own["linear_pca"], abs=0.005)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "table is a dict, not the table that scclamp.tl.benchmark returns"),
        (_table().rename(columns={"split": "s"}), "table has no column 'split'.*Pass what"),
        (_table().drop(columns="skill_low").assign(target="A+B"), "It holds single targets: leave per_target out"),
        (_table().iloc[:0], "table has no rows"),
    ],
)
def test_what_is_no_table_is_refused(table, message):
    with pytest.raises(InputError, match=message):
        sc_c.pl.benchmark(table)


def test_unknown_metrics_are_named():
    with pytest.raises(InputError, match=r"metrics: 'skil' is not there\. Did you mean 'skill'"):
        sc_c.pl.benchmark(_table(), "skil")


def test_conventions():
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before = dict(mpl.rcParams)
    fig, ax = plt.subplots()
    assert sc_c.pl.benchmark(_table(), ax=ax) is ax
    assert sc_c.pl.benchmark(_table(), ax=ax, return_fig=True) is fig
    assert dict(mpl.rcParams) == before
