import itertools
import runpy
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import scclamp as sc_c
from scclamp._errors import InputError

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


@pytest.fixture(scope="module")
def fitted():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=15)
    return adata


def _labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.parametrize("cluster", [True, False])
def test_every_cell_shows_its_weight(fitted, cluster):
    ax = sc_c.pl.adjacency(fitted, n_targets=20, cluster=cluster)
    drawn = ax.get_images()[0].get_array()
    columns, rows = _labels(ax.xaxis), _labels(ax.yaxis)
    weights = fitted.varm["clamp_A"]
    regulators = list(fitted.uns["clamp"]["regulators"])
    assert (len(rows), len(columns)) == drawn.shape == (20, 8)
    for i, target in enumerate(rows):
        for j, regulator in enumerate(columns):
            expected = weights[fitted.var_names.get_loc(target), regulators.index(regulator)]
            if target == regulator:
                assert np.ma.is_masked(drawn[i, j]) or np.isnan(drawn[i, j])
            else:
                assert drawn[i, j] == pytest.approx(expected, rel=1e-6)


def test_effects_take_the_place_of_weights(fitted):
    ax = sc_c.pl.adjacency(fitted, cluster=False, targets=["GENE0020"], effect="gain")
    edges = sc_c.get.adjacency(fitted, targets="GENE0020", effect="gain").set_index("regulator")["effect"]
    expected = edges[_labels(ax.xaxis)]
    np.testing.assert_allclose(ax.get_images()[0].get_array()[0], expected, rtol=1e-6)
    assert any(axes.get_ylabel().startswith("effect on the target") for axes in ax.figure.axes)


def test_the_strongest_targets_are_drawn(fitted):
    ax = sc_c.pl.adjacency(fitted, ["REG02"], n_targets=5)
    edges = sc_c.get.top_targets(fitted, ["REG02"], n=5)
    assert set(_labels(ax.yaxis)) == set(edges["target"])


def test_two_and_many_regulators(fitted):
    assert sc_c.pl.adjacency(fitted, ["REG02", "REG01"], targets=["GENE0050"]).get_images()[0].get_array().shape == (
        1,
        2,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regulators": ["REG2"]}, "regulators: 'REG2' is not there. Did you mean 'REG02'"),
        ({"targets": ["nobody"]}, "targets: 'nobody' is not there"),
        ({"targets": []}, "targets is empty"),
        ({"regulators": []}, "regulators is empty"),
    ],
)
def test_unknown_names(fitted, arguments, message):
    with pytest.raises(InputError, match=message):
        sc_c.pl.adjacency(fitted, **arguments)


def test_one_name_is_one_gene(fitted):
    ax = sc_c.pl.adjacency(fitted, "REG02", targets="GENE0001")
    assert (_labels(ax.xaxis), _labels(ax.yaxis)) == (["REG02"], ["GENE0001"])
    with pytest.raises(InputError, match=r"regulators: 'REG2' is not there\. Did you mean"):
        sc_c.pl.adjacency(fitted, "REG2")


def _modules(ax):
    return [bar.get_label() for bar in ax.patches]


def test_columns_carry_their_modules(fitted):
    ax = sc_c.pl.adjacency(fitted, n_modules=3)
    assert _modules(ax) == ["module 1", "module 2", "module 3"]
    assert sum(bar.get_width() for bar in ax.patches) == 8
    assert _modules(sc_c.pl.adjacency(fitted, n_modules=1)) == _modules(sc_c.pl.adjacency(fitted, cluster=False)) == []
    with pytest.raises(InputError, match="n_modules=3 needs cluster=True"):
        sc_c.pl.adjacency(fitted, n_modules=3, cluster=False)
    with pytest.raises(InputError, match="n_modules=9 must be at most the number of regulators drawn, 8"):
        sc_c.pl.adjacency(fitted, n_modules=9)


def test_names_fit_into_the_figure(fitted):
    for regulators in (None, ["REG02", "REG01"]):
        ax = sc_c.pl.adjacency(fitted, regulators, n_targets=60)
        ax.figure.canvas.draw()
        for axis, along in ((ax.xaxis, "x"), (ax.yaxis, "y")):
            boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
            assert min(min(box.x0, box.y0) for box in boxes) >= 0
            starts = sorted((getattr(box, f"{along}0"), getattr(box, f"{along}1")) for box in boxes)
            assert all(one[1] <= other[0] + 1 for one, other in itertools.pairwise(starts))
            assert min(label.get_fontsize() for label in axis.get_ticklabels()) >= 7


def test_two_hundred_regulators_are_told_by_their_modules():
    size = {"n_genes": 260, "n_regulators": 200, "n_cells_per_condition": 1, "n_control_cells": 2, "combinations": 0}
    adata = sc_c.datasets.simulated("tiny", **size, target_sum=1e6)
    fits["store_truth"](adata)
    ax = sc_c.pl.adjacency(adata, n_modules=30)
    assert ax.get_xlabel().startswith("regulators, 200 of them\n1:")
    assert not ax.get_xticklabels()
    assert ax.figure.get_size_inches()[0] < 9


def test_picture(same_image):
    fig, ax = plt.subplots(figsize=(3.0, 3.6), layout="constrained")
    sc_c.pl.adjacency(fits["simulated_fit"](), n_targets=20, n_modules=3, ax=ax)
    same_image(fig, "adjacency")


def test_conventions(fitted):
    before = dict(mpl.rcParams)
    fig, ax = plt.subplots()
    assert sc_c.pl.adjacency(fitted, ax=ax) is ax
    assert sc_c.pl.adjacency(fitted, ax=ax, return_fig=True) is fig
    assert dict(mpl.rcParams) == before
