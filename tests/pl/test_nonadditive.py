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
def kinds(judged):
    names = judged.uns["clamp_evaluation"]["pairs"]["combination"].unique()
    return {name: "one" if i < 4 else "other" for i, name in enumerate(names)}


def _rows(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def _points(ax):
    """Values drawn in each lane, by row, lanes from top to bottom."""
    found: dict[int, list[np.ndarray]] = {}
    for collection in ax.collections:
        x, y = np.asarray(collection.get_offsets()).T
        found.setdefault(round(float(y.mean())), []).append(np.sort(x))
    return found


def test_picture(judged, kinds, same_image, legible):
    figure = sc_c.pl.nonadditive(judged, kinds, return_fig=True)
    legible(figure)
    same_image(figure, "nonadditive")


def test_the_legend_ends_before_the_heading_of_the_gains(judged, kinds, images):
    """Long names of groups leave narrow axes, beside which the heading stands as high as the legend."""
    groups = dict.fromkeys(kinds, "SYNERGY_DISSIMILAR_PHENO")
    predictions = ["network", "no_change", "network's singles added, scaled"]
    with images["defaults"]():
        ax = sc_c.pl.nonadditive(judged, groups, predictions=predictions)
        ax.figure.canvas.draw()
        (heading,) = [text for text in ax.texts if text.get_text().startswith("network minus")]
        assert ax.get_legend().get_window_extent().x1 <= heading.get_window_extent().x0


@pytest.mark.parametrize("metric", ["projection", "rho_nonadd"])
def test_points_are_the_scores_of_the_combinations(judged, kinds, metric):
    ax = sc_c.pl.nonadditive(judged, kinds, metric=metric)
    pairs = judged.uns["clamp_evaluation"]["pairs"].assign(kind=lambda t: t["combination"].map(kinds))
    own = pairs[pairs["prediction"] == "network"].groupby("kind")[metric].mean()
    order = list(own.sort_values(ascending=False).index)
    n = {"all": 6, "one": 4, "other": 2}
    assert _rows(ax) == [f"{name} ({n[name]})" for name in ["all", *order]]
    predictions = ["network", "no_change", judged.uns["clamp_evaluation"]["params"]["strongest"]]
    for y, name in enumerate(["all", *order]):
        members = pairs if name == "all" else pairs[pairs["kind"] == name]
        for points, prediction in zip(_points(ax)[y], predictions, strict=True):
            expected = np.sort(members.loc[members["prediction"] == prediction, metric])
            np.testing.assert_allclose(points, expected, rtol=1e-6)


def test_means_have_the_interval_of_the_verdict(judged):
    """Six combinations have an interval, and the resamples of `metrics.bootstrap_ci` are those of a generator of 0."""
    ax = sc_c.pl.nonadditive(judged, predictions=["network"])
    (line,) = [line for line in ax.get_lines() if line.get_linewidth() == 2.2]
    pairs = judged.uns["clamp_evaluation"]["pairs"].query("prediction == 'network'")
    found = sc_c.metrics.bootstrap_ci(pairs["projection"].to_numpy(), rng=0)
    np.testing.assert_allclose(line.get_xdata(), [found["low"], found["high"]])
    assert found["low"] < pairs["projection"].mean() < found["high"]


def test_the_gain_over_no_change_is_paired(judged, kinds):
    ax = sc_c.pl.nonadditive(judged, kinds)
    pairs = judged.uns["clamp_evaluation"]["pairs"].pivot(
        index="combination", columns="prediction", values="projection"
    )
    gain = pairs["network"] - pairs["no_change"]
    texts = [text.get_text().replace("−", "-") for text in ax.texts]
    assert texts[0].startswith(f"{gain.mean():+.2f} [")
    by_kind = gain.groupby(kinds).mean()
    for row, text in list(zip(_rows(ax), texts, strict=False))[1:]:
        assert text == f"{by_kind[row.split(' ')[0]]:+.2f}"
    assert texts[-1] == "network minus\nno change"
    alone = sc_c.pl.nonadditive(judged, predictions="network")
    assert not alone.texts


def test_a_column_groups_as_a_mapping_does(judged, kinds):
    adata = judged.copy()
    adata.obs["kind"] = pd.Categorical(adata.obs["perturbation"].astype(str).map(kinds))
    assert _rows(sc_c.pl.nonadditive(adata, "kind")) == _rows(sc_c.pl.nonadditive(judged, kinds))


def test_points_of_one_value_do_not_hide_each_other(judged):
    adata = judged[:2].copy()
    stored = adata.uns["clamp_evaluation"]
    adata.uns["clamp_evaluation"] = stored | {"pairs": stored["pairs"].assign(projection=0.5)}
    y = np.asarray(sc_c.pl.nonadditive(adata, predictions="network").collections[0].get_offsets())[:, 1]
    assert len(set(y.round(3))) == 6
    assert np.ptp(y) < 1


@pytest.mark.parametrize("n", [1, 5])
def test_one_and_many_predictions_can_be_read(judged, legible, n):
    names = ["no_change", "network", "network, steady state", "mean_response", "denoised_additive, scaled"][:n]
    legible(sc_c.pl.nonadditive(judged, predictions=names, return_fig=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"categories": {"REG01": "x"}}, "groups none of them"),
        ({"categories": "kin"}, "categories='kin' is not a column"),
        ({"metric": "r"}, "metric='r' is not known"),
        ({"predictions": "no change"}, "predictions: 'no change' is not there. Did you mean 'no_change'"),
        ({"key": "mine"}, r"Call scclamp\.tl\.evaluate\(adata, key='mine'\) first"),
    ],
)
def test_what_cannot_be_drawn_is_named(judged, arguments, message):
    with pytest.raises(InputError, match=message):
        sc_c.pl.nonadditive(judged, **arguments)


def test_conventions(judged):
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before = dict(mpl.rcParams)
    fig, ax = plt.subplots()
    assert sc_c.pl.nonadditive(judged, ax=ax) is ax
    assert sc_c.pl.nonadditive(judged, ax=ax, return_fig=True) is fig
    assert dict(mpl.rcParams) == before
