import numpy as np
import pytest

import scclamp as sc_c


@pytest.fixture(scope="module")
def fitted():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=15, n_seeds=2)
    return adata


def test_lines_are_the_history(fitted):
    ax = sc_c.pl.loss(fitted)
    history = fitted.uns["clamp"]["history"]
    first = history[history["member"] == 0]
    lines = {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}
    np.testing.assert_allclose(lines["training"].get_ydata(), first["perturbation"])
    np.testing.assert_allclose(lines["validation"].get_ydata(), first["validation"])
    assert len(ax.get_lines()) == 4


def test_dots_mark_the_networks_that_were_kept(fitted):
    ax = sc_c.pl.loss(fitted)
    diagnostics = fitted.uns["clamp"]["diagnostics"]
    expected = np.column_stack([diagnostics["best_epoch"], diagnostics["best_validation"]])
    np.testing.assert_allclose(ax.collections[0].get_offsets(), expected, rtol=1e-6)


def test_conventions(fitted):
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before = dict(mpl.rcParams)
    fig, ax = plt.subplots()
    assert sc_c.pl.loss(fitted, ax=ax) is ax
    assert sc_c.pl.loss(fitted, ax=ax, return_fig=True) is fig
    assert dict(mpl.rcParams) == before
