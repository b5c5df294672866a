import itertools
import runpy
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


@pytest.fixture(scope="module")
def answer():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=15)
    states = pd.DataFrame(adata.varm["true_states"].T, index=adata.uns["truth"]["conditions"], columns=adata.var_names)
    return sc_c.tl.predict_clamps(adata, [name for name in states.index if "+" in name]), states


def test_points_are_shifts_of_free_genes(answer):
    predicted, states = answer
    name = predicted.obs_names[1]
    ax = sc_c.pl.predictions(predicted, states, conditions=[name]).axes[0]
    free = ~predicted.var_names.isin(name.split("+"))
    observed = (states.loc[name] - states.loc["control"]).to_numpy()[free]
    shift = predicted.to_df("shift").loc[name].to_numpy()[free]
    np.testing.assert_allclose(
        ax.collections[0].get_offsets(), np.column_stack([observed, shift]), rtol=1e-5, atol=1e-6
    )
    additive = sum(states.loc[gene] - states.loc["control"] for gene in name.split("+")).to_numpy()[free]
    r, null = (np.corrcoef(observed, guess)[0, 1] for guess in (shift, additive))
    assert ax.get_title() == f"{name}\nr = {r:.2f} (sum of singles {null:.2f})"
    alone = sc_c.pl.predictions(predicted, states.drop(name.split("+")), conditions=[name]).axes[0]
    assert alone.get_title() == f"{name}\nr = {r:.2f}"


def test_singles_are_marked_as_fitted(screen):
    adata, _ = screen
    predicted = sc_c.tl.predict_clamps(adata, ["REG01", "REG01+REG05"], key="mine")
    titles = [ax.get_title().splitlines()[0] for ax in sc_c.pl.predictions(predicted, adata).axes]
    assert titles == ["REG01 (fitted)", "REG01+REG05"]


def test_one_panel_for_each_condition(answer):
    assert len(sc_c.pl.predictions(*answer, n_columns=4).axes) == 6


@pytest.mark.parametrize(
    ("show", "return_fig", "comes"), [(None, False, True), (True, False, False), (True, True, True)]
)
def test_a_figure_that_is_shown_comes_back_when_asked(answer, show, return_fig, comes, monkeypatch):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    figure = sc_c.pl.predictions(*answer, conditions=answer[0].obs_names[0], show=show, return_fig=return_fig)
    assert (figure is not None) is comes


def test_what_is_missing_is_named(answer):
    predicted, states = answer
    with pytest.raises(InputError, match="no row 'control'"):
        sc_c.pl.predictions(predicted, states.drop("control"))
    with pytest.raises(InputError, match="shares no condition"):
        sc_c.pl.predictions(predicted, states.loc[["control"]])
    with pytest.raises(InputError, match="conditions names 'A\\+B'"):
        sc_c.pl.predictions(predicted, states, conditions=["A+B"])


@pytest.fixture(scope="module")
def screen():
    """A screen of which nobody could guess the control, with its fit and a few answers."""
    adata = sc_c.datasets.simulated("tiny")
    adata.obs["guide"] = adata.obs.pop("perturbation").astype(str).replace({"control": "WT_x"})
    sc_c.tl.fit(adata, perturbation_key="guide", control="WT_x", max_epochs=5, key_added="mine")
    asked = {"REG01+REG05": "REG01+REG05", "own name": "REG02+REG06", "dosed": {"REG01": 2.0, "REG05": 1.0}}
    return adata, sc_c.tl.predict_clamps(adata, asked, key="mine")


def _offsets(figure):
    return [ax.collections[0].get_offsets().data for ax in figure.axes]


def test_a_screen_is_read_as_its_fit_read_it(screen):
    adata, answer = screen
    label, X = adata.obs["guide"].to_numpy(), adata.X.toarray()
    control = X[label == "WT_x"].mean(0)
    found = _offsets(sc_c.pl.predictions(answer, adata))
    for points, genes in zip(found, ("REG01+REG05", "REG02+REG06", "REG01+REG05"), strict=True):
        free = ~adata.var_names.isin(genes.split("+"))
        shift = X[label == genes].mean(0) - control
        np.testing.assert_allclose(points[:, 0], shift[free], rtol=1e-4, atol=1e-5)


def test_the_long_table_and_control_tokens_are_read(screen):
    adata, answer = screen
    long = sc_c.get.predictions(
        sc_c.tl.predict_clamps(adata, ["control", "REG01+REG05"], key="mine"), observed=adata, key="mine"
    )
    wide = long.pivot(index="condition", columns="gene", values="observed").rename(index={"control": "NT-control"})
    reference = _offsets(sc_c.pl.predictions(answer, adata, conditions="REG01+REG05"))[0]
    for observed in (long, wide, wide.iloc[:, ::-1]):
        np.testing.assert_allclose(
            _offsets(sc_c.pl.predictions(answer, observed, conditions=["REG01+REG05"]))[0], reference, rtol=1e-5
        )
    few = sc_c.pl.predictions(answer, wide[["REG03", "REG04"]], conditions="REG01+REG05")
    assert len(_offsets(few)[0]) == 2
    with pytest.raises(InputError, match="without a column 'observed'"):
        sc_c.pl.predictions(answer, long.drop(columns="observed"))
    with pytest.raises(InputError, match="no gene of adata"):
        sc_c.pl.predictions(answer, wide.add_prefix("x"))
    with pytest.raises(InputError, match="conditions is empty"):
        sc_c.pl.predictions(answer, adata, conditions=[])


@pytest.mark.parametrize("n", [1, 5, 30])
def test_one_and_many_panels_can_be_read(answer, legible, n):
    predicted, states = answer
    names = [f"answer {i}" for i in range(n)]
    shift = np.repeat(predicted.layers["shift"][:1], n, 0)
    obs = pd.DataFrame({"targets": predicted.obs_names[0]}, index=names)
    many = ad.AnnData(obs=obs, var=predicted.var, layers={"shift": shift})
    fig = sc_c.pl.predictions(many, states, conditions=names, n_columns=5)
    assert len(fig.axes) == n
    legible(fig)


def test_a_prediction_without_shape_has_no_correlation(answer):
    predicted, states = answer
    flat = predicted[:1].copy()
    flat.layers["shift"] = np.zeros_like(flat.layers["shift"])
    assert "r = undefined" in sc_c.pl.predictions(flat, states).axes[0].get_title()
    with pytest.raises(InputError, match="n_columns=0 must be a whole number"):
        sc_c.pl.predictions(flat, states, n_columns=0)


def test_picture(same_image, legible):
    adata = fits["simulated_fit"]()
    double = sc_c.tl.predict_clamps(adata, ["REG01+REG05", "REG02+REG06"])
    figure = sc_c.pl.predictions(double, adata)
    legible(figure)
    same_image(figure, "predictions")


@pytest.mark.parametrize("n", [1, 4])
def test_titles_stay_inside_one_row(screen, n):
    adata, _ = screen
    dosed = sc_c.tl.predict_clamps(
        adata, [{"REG01": 2.0625, "REG05": 1.03125 + 0.75 * i} for i in range(n)], key="mine"
    )
    fig = sc_c.pl.predictions(dosed, adata)
    fig.canvas.draw()
    boxes = [ax.title.get_window_extent() for ax in fig.axes]
    for box in boxes:
        assert 0 <= box.x0 < box.x1 <= fig.bbox.width
        assert 0 <= box.y0 < box.y1 <= fig.bbox.height
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))
