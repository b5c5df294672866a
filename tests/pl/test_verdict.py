import runpy
from pathlib import Path

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputError

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))
METRICS = ["skill", "gain_in_r", "r", "rho_nonadd", "interaction"]


@pytest.fixture(scope="module")
def judged():
    adata = fits["simulated_fit"]()
    names = sorted(n for n in adata.obs["perturbation"].unique() if "+" in n)
    kinds = {name: "first" if i < 3 else "second" for i, name in enumerate(names)}
    sc_c.tl.evaluate(adata, refit=False, categories=kinds, n_bootstrap=100)
    return adata


def _with(judged, change):
    """The same data with another table of scores."""
    adata = judged[:2].copy()
    stored = adata.uns["clamp_evaluation"]
    adata.uns["clamp_evaluation"] = stored | {"scores": change(stored["scores"].copy())}
    return adata


def _of_network(metric, **values):
    def change(scores):
        own = (scores["prediction"] == "network") & (scores["metric"] == metric)
        scores.loc[own, list(values)] = list(values.values())
        return scores

    return change


def _rows(ax):
    return [label.get_text() for label in ax.child_axes[0].get_yticklabels()]


def _points(panel):
    """Value drawn in each row of a panel."""
    drawn = [collection.get_offsets()[0] for collection in panel.collections]
    return {round(float(y)): float(x) for x, y in drawn}


def test_picture(judged, same_image, legible):
    figure = sc_c.pl.verdict(judged, return_fig=True)
    legible(figure)
    same_image(figure, "verdict")


def test_every_prediction_has_its_row_and_every_score_its_place(judged):
    ax = sc_c.pl.verdict(judged)
    scores = judged.uns["clamp_evaluation"]["scores"].query("group == 'all'")
    rows = _rows(ax)
    assert rows == [n.replace("_", " ") for n in dict.fromkeys(judged.uns["clamp_evaluation"]["pairs"]["prediction"])]
    assert {"no change", "mean response", "additive", "denoised additive, scaled", "network"} <= set(rows)
    for panel, metric in zip(ax.child_axes, METRICS, strict=True):
        own = scores[scores["metric"] == metric].set_index("prediction")["value"]
        for y, value in _points(panel).items():
            assert value == pytest.approx(own[list(own.index)[[n.replace("_", " ") for n in own.index].index(rows[y])]])
        # What is not drawn is undefined, or written at the end of its axis.
        missing = [y for y in range(len(rows)) if y not in _points(panel)]
        assert len([t for t in panel.texts if t.get_text() == "–" or t.get_text().startswith("◂")]) == len(missing)


def test_what_is_beyond_an_axis_is_written(judged):
    panel = sc_c.pl.verdict(judged, "skill").child_axes[0]
    scores = judged.uns["clamp_evaluation"]["scores"].query("metric == 'skill' and group == 'all'")
    worst = scores.set_index("prediction").loc["no_change", "value"]
    assert f"◂ {worst:.2f}".replace("-", "−") in [text.get_text() for text in panel.texts]
    # What is drawn is whole: no point is cut by the end of its axis.
    room = 0.05 * np.ptp(panel.get_xlim())
    assert min(_points(panel).values()) > panel.get_xlim()[0] + room


def test_ceilings_are_drawn(judged):
    ax = sc_c.pl.verdict(judged, "interaction")
    scores = judged.uns["clamp_evaluation"]["scores"].query("metric == 'interaction'").set_index("prediction")["value"]
    lines = {
        line.get_linestyle(): line.get_xdata()[0] for line in ax.child_axes[0].get_lines() if line.get_zorder() == 1
    }
    assert lines == {"--": scores["replicate"], ":": scores["truth"]}
    assert [t.get_text() for t in ax.get_legend().get_texts()][-2:] == [
        "other half of the cells (replicate)",
        "perfect prediction (truth)",
    ]


def test_nulls_that_reach_the_network_are_marked(judged):
    def marked(adata, metric):
        panel = sc_c.pl.verdict(adata, metric).child_axes[0]
        return {round(c.get_offsets()[0][1]) for c in panel.collections if len(c.get_paths()[0].vertices) == 5}

    for metric, reaches in (("r", np.greater_equal), ("mse", np.less_equal)):
        adata = _with(judged, _of_network(metric, value=0.7 if metric == "r" else 0.03))
        scores = adata.uns["clamp_evaluation"]["scores"].query("metric == @metric and group == 'all'")
        rows = list(dict.fromkeys(adata.uns["clamp_evaluation"]["pairs"]["prediction"]))
        own = scores.set_index("prediction")["value"].loc[rows].to_numpy()
        nulls = [i for i, name in enumerate(rows) if name not in ("network", "network, steady state")]
        expected = {i for i in nulls if reaches(own[i], own[rows.index("network")])}
        assert marked(adata, metric) == expected != set()
        assert set(nulls) != expected


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.01, 0.2), "is better than"),
        ((-0.2, -0.01), "is worse than"),
        ((-0.1, 0.1), "cannot be told from"),
        ((np.nan, np.nan), "cannot be told from"),
    ],
)
def test_the_title_says_it_in_words(judged, interval, words):
    adata = _with(judged, _of_network("skill", value=0.1, low=interval[0], high=interval[1]))
    title = " ".join(sc_c.pl.verdict(adata).get_title(loc="left").split())
    null = judged.uns["clamp_evaluation"]["params"]["strongest"].replace("_", " ")
    assert f"The network {words} the strongest null of all ({null}" in title or (
        f"The network {words} the strongest null of all, which needs no network ({null})" in title
    )
    assert "skill 0.100" in title
    assert ("[" in title.split("skill 0.100", 1)[1][:3]) == np.isfinite(interval[0])
    assert "6 combinations" in title


def test_a_group_has_its_own_scores(judged):
    ax = sc_c.pl.verdict(judged, ["r"], group="first")
    scores = (
        judged.uns["clamp_evaluation"]["scores"].query("group == 'first' and metric == 'r'").set_index("prediction")
    )
    assert _points(ax.child_axes[0])[0] == pytest.approx(scores.loc["network", "value"])
    title = " ".join(ax.get_title(loc="left").split())
    assert "3 combinations of the group first, too few for intervals" in title
    assert judged.uns["clamp_evaluation"]["params"]["strongest"].replace("_", " ") not in title


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"evaluation": "other"},
            r"no verdict uns\['other'\]\. Verdicts found: 'clamp_evaluation'\. Call scclamp\.tl\.evaluate",
        ),
        (
            {"key": "mine"},
            r"no verdict uns\['mine_evaluation'\].*Call scclamp\.tl\.evaluate\(adata, key='mine'\) first",
        ),
        ({"metrics": "skil"}, "metrics: 'skil' is not there. Did you mean 'skill'"),
        ({"group": "third"}, "group: 'third' is not there"),
    ],
)
def test_what_is_missing_is_named(judged, arguments, message):
    with pytest.raises(InputError, match=message):
        sc_c.pl.verdict(judged, **arguments)


def test_conventions(judged, tmp_path):
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before = dict(mpl.rcParams)
    fig, (ax, other) = plt.subplots(1, 2, figsize=(14, 4), layout="constrained")
    assert sc_c.pl.verdict(judged, ax=ax) is ax
    assert sc_c.pl.verdict(judged, "skill", ax=other, return_fig=True) is fig
    assert dict(mpl.rcParams) == before
    # A verdict comes back from a file as it was.
    judged.write_h5ad(tmp_path / "x.h5ad")
    import anndata as ad

    assert _rows(sc_c.pl.verdict(ad.read_h5ad(tmp_path / "x.h5ad"))) == _rows(ax)
