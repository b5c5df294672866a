import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


@pytest.fixture(scope="module")
def judged():
    adata = fits["simulated_fit"]()
    sc_c.tl.evaluate(adata, refit=False, n_bootstrap=50)
    return adata


@pytest.fixture(scope="module")
def many(judged):
    """As many combinations as a large screen has."""
    adata = judged[:2].copy()
    stored = adata.uns["clamp_evaluation"]
    parts = [stored["pairs"].assign(combination=stored["pairs"]["combination"] + f"+X{i}") for i in range(35)]
    adata.uns["clamp_evaluation"] = stored | {"pairs": pd.concat(parts, ignore_index=True)}
    return adata


def _lines(ax):
    return {line.get_label().split(" (")[0]: line.get_ydata() for line in ax.get_lines()}


def test_picture(judged, same_image, legible):
    figure = sc_c.pl.correlations(judged, ["additive", "mean_response"], return_fig=True)
    legible(figure)
    same_image(figure, "correlations")


@pytest.mark.parametrize(("metric", "null"), [("r", "additive"), ("rho_nonadd", "no_change"), ("mse", "additive")])
def test_combinations_are_sorted_by_the_network_with_nulls_beside(judged, metric, null):
    ax = sc_c.pl.correlations(judged, metric=metric)
    evaluation = judged.uns["clamp_evaluation"]
    scores = evaluation["pairs"].pivot(index="combination", columns="prediction", values=metric)
    scores = scores.sort_values("network", ascending=metric == "mse")
    assert [label.get_text() for label in ax.get_xticklabels()] == list(scores.index)
    lines = _lines(ax)
    strongest = evaluation["params"]["strongest"]
    assert list(lines) == [name.replace("_", " ") for name in ("network", null, strongest)]
    for name in ("network", null, strongest):
        np.testing.assert_allclose(lines[name.replace("_", " ")], scores[name])
    better = (scores["network"] < scores[null]) if metric == "mse" else (scores["network"] > scores[null])
    assert f"(null; network better in {better.sum()} of 6)" in ax.get_lines()[1].get_label()
    # The stem goes to the null that is hardest to beat there.
    hardest = scores[[null, strongest]].min(axis=1) if metric == "mse" else scores[[null, strongest]].max(axis=1)
    ends = np.array([segment[:, 1] for segment in ax.collections[0].get_segments()])
    np.testing.assert_allclose(ends, np.column_stack([hardest, scores["network"]]))


def test_many_combinations_are_counted_instead_of_named(many, legible):
    ax = sc_c.pl.correlations(many)
    legible(ax.get_figure())
    assert "210 combinations" in ax.get_xlabel()
    assert not ax.get_xticklabels()
    assert len(_lines(ax)["network"]) == 210


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"nulls": "aditive"}, "nulls: 'aditive' is not there. Did you mean 'additive'"),
        ({"nulls": "no_change"}, "nulls: 'no_change' is not there"),
        ({"metric": "skill"}, "metric='skill' is not known"),
        ({"key": "mine"}, r"Call scclamp\.tl\.evaluate\(adata, key='mine'\) first"),
    ],
)
def test_what_cannot_be_drawn_is_named(judged, arguments, message):
    with pytest.raises(InputError, match=message):
        sc_c.pl.correlations(judged, **arguments)


def test_on_narrow_axes_names_do_not_meet(many, legible):
    from matplotlib import pyplot as plt

    _, ax = plt.subplots(figsize=(5, 4), layout="constrained")
    sc_c.pl.correlations(many, ax=ax)
    assert "210 combinations" in ax.get_xlabel()
    legible(ax.get_figure())


def test_conventions(judged):
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before = dict(mpl.rcParams)
    fig, ax = plt.subplots()
    assert sc_c.pl.correlations(judged, ax=ax) is ax
    assert sc_c.pl.correlations(judged, ax=ax, return_fig=True) is fig
    assert dict(mpl.rcParams) == before
