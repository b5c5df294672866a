import dataclasses
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._storage import decode, encode

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


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


def _stored(**changes):
    """A fit of two members whose course is known."""
    adata = fits["simulated_fit"](n_members=2, spread=0.1)
    epoch, member = (part.ravel() for part in np.meshgrid(np.arange(60), [0, 1], indexing="ij"))
    perturbation = (1 + member) * np.exp(-epoch / 15) + 0.05
    validation = perturbation + 0.4 + (epoch / 50) ** 2
    course = {"epoch": epoch, "member": member, "perturbation": perturbation, "validation": validation}
    diagnostics = {
        "best_epoch": np.array([18, 23]),
        "best_validation": validation.reshape(60, 2)[[18, 23], [0, 1]],
        "validation_no_change": np.array([4.0, 6.0]),
        "validation_targets": np.array([0.3, 0.5]),
    }
    result = dataclasses.replace(decode(adata), history=pd.DataFrame(course), diagnostics=diagnostics)
    encode(adata, dataclasses.replace(result, **changes))
    return adata


def _levels(ax):
    return [collection.get_segments()[0][0, 1] for collection in ax.collections[1:]]


def test_levels_are_means_over_members_and_named(same_image, legible):
    ax = sc_c.pl.loss(_stored())
    assert _levels(ax) == [5.0, 0.4]
    assert [text.get_text() for text in ax.texts] == ["no change", "training\nmeans"]
    legible(ax.get_figure())
    same_image(ax.get_figure(), "loss")


def test_fits_that_stored_no_levels_are_drawn_without():
    kept = {"best_epoch": np.array([18, 23]), "best_validation": np.array([1.0, 1.0])}
    ax = sc_c.pl.loss(_stored(diagnostics=kept))
    assert _levels(ax) == []
    assert len(ax.get_lines()) == 4


def test_training_that_validates_too_is_one_line():
    history = decode(_stored()).history
    ax = sc_c.pl.loss(_stored(history=history.assign(validation=history["perturbation"])))
    assert len(ax.get_lines()) == 2
    assert "no cells to validate" in ax.get_legend().get_texts()[0].get_text()


def test_names_of_close_levels_do_not_meet():
    diagnostics = decode(_stored()).diagnostics | {"validation_targets": np.array([4.9, 5.0])}
    ax = sc_c.pl.loss(_stored(diagnostics=diagnostics))
    ax.get_figure().canvas.draw()
    above, below = (text.get_window_extent() for text in ax.texts)
    assert above.y0 >= below.y1 - 3  # a point each
