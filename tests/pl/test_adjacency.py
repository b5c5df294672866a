import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputError


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
