import runpy
from pathlib import Path

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputError

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))
NAME = "REG01+REG05"


@pytest.fixture(scope="module")
def case():
    """Answers of the true network, and the screen that it was simulated for."""
    adata = fits["simulated_fit"]()
    return sc_c.tl.predict_clamps(adata, [NAME, "REG02+REG06", "REG03"]), adata


def _expected(answer, adata, name=NAME):
    """Observed, predicted and additive shifts of the free genes, from the cells."""
    label, X = adata.obs["perturbation"].astype(str).to_numpy(), adata.X.toarray().astype(float)
    means = {n: X[label == n].mean(0) for n in ("control", name, *name.split("+"))}
    free = ~adata.var_names.isin(name.split("+"))
    additive = sum(means[gene] - means["control"] for gene in name.split("+"))
    shifts = means[name] - means["control"], answer.to_df("shift").loc[name].to_numpy(float), additive
    return adata.var_names[free].to_numpy(), *(each[free] for each in shifts)


def _drawn(panel):
    bars = np.array([bar.get_height() for bar in panel.patches])
    return bars, {line.get_label(): line.get_ydata() for line in panel.get_lines()}


def test_picture(case, same_image, legible):
    figure = sc_c.pl.waterfall(*case, condition=NAME, n_genes=40, return_fig=True)
    legible(figure)
    same_image(figure, "waterfall")


def test_genes_are_sorted_and_drawn_as_observed_predicted_and_additive(case):
    ax = sc_c.pl.waterfall(*case, condition=NAME, n_genes=20)
    genes, observed, predicted, additive = _expected(*case)
    largest = np.argsort(-np.maximum(abs(observed), abs(additive)), kind="stable")[:20]
    order = largest[np.argsort(-observed[largest], kind="stable")]
    above, below = ax.child_axes
    assert [label.get_text() for label in below.get_xticklabels()] == list(genes[order])
    bars, points = _drawn(above)
    np.testing.assert_allclose(bars, observed[order], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(points["predicted"], predicted[order], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(points["sum of singles"], additive[order], rtol=1e-4, atol=1e-5)
    bars, points = _drawn(below)
    np.testing.assert_allclose(bars, (observed - additive)[order], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(points["predicted"], (predicted - additive)[order], rtol=1e-4, atol=1e-5)


def test_correlations_are_over_all_free_genes_whatever_is_drawn(case):
    _, observed, predicted, additive = _expected(*case)
    r = {
        "of": np.corrcoef(predicted, observed)[0, 1],
        "sum": np.corrcoef(additive, observed)[0, 1],
        "residual": np.corrcoef(predicted - additive, observed - additive)[0, 1],
        "nothing": np.corrcoef(-additive, observed - additive)[0, 1],
    }
    text = {name: f"{value:.2f}".replace("-", "−") for name, value in r.items()}
    for genes in (["GENE0050", "GENE0001"], None):
        above, below = sc_c.pl.waterfall(*case, condition=NAME, genes=genes).child_axes
        assert above.get_title(loc="right") == f"r = {text['of']} (sum of singles {text['sum']})"
        assert below.get_title(loc="right") == f"r = {text['residual']} (no change {text['nothing']})"


def test_doses_and_names_of_ones_own_are_compared_with_the_same_genes(case):
    _, adata = case
    dosed = sc_c.tl.predict_clamps(adata, {"mine": {"REG01": 2.0, "REG05": 1.0}})
    bars, points = _drawn(sc_c.pl.waterfall(dosed, adata).child_axes[0])
    usual_bars, usual = _drawn(sc_c.pl.waterfall(*case, condition=NAME).child_axes[0])
    np.testing.assert_allclose(bars, usual_bars)
    np.testing.assert_allclose(points["sum of singles"], usual["sum of singles"])
    assert abs(points["predicted"] - usual["predicted"]).max() > 0.01


@pytest.mark.parametrize("n", [1, 2, 55])
def test_few_and_many_genes(case, legible, n, monkeypatch):
    from scclamp.pl import _waterfall

    monkeypatch.setattr(_waterfall, "_MOST_NAMES", 30)
    ax = sc_c.pl.waterfall(*case, condition=NAME, n_genes=n)
    legible(ax.get_figure())
    below = ax.child_axes[1]
    assert len(below.patches) == n
    named = {text.get_text(): text for text in below.texts}
    assert bool(named) == (n > 30)
    assert "55 genes" in below.get_xlabel() if n > 30 else not below.get_xlabel()
    genes, observed, _, additive = _expected(*case)
    if named:
        assert genes[np.abs(observed - additive).argmax()] in named


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"condition=None leaves open which of 2 to draw. Name one of 'REG01\+REG05', 'REG02\+REG06'"),
        ({"condition": "REG01+REG06"}, r"condition: 'REG01\+REG06' is not there"),
        ({"condition": "REG03"}, "condition: 'REG03' is not there"),
        ({"condition": NAME, "genes": "REG01"}, "genes: 'REG01' is not there"),
        ({"condition": NAME, "n_genes": 0}, "n_genes=0 must be a whole number"),
    ],
)
def test_what_cannot_be_drawn_is_named(case, arguments, message):
    with pytest.raises(InputError, match=message):
        sc_c.pl.waterfall(*case, **arguments)


def test_what_was_not_observed_is_named(case):
    answer, adata = case
    states = fits["truth_of"](adata)
    with pytest.raises(InputError, match=r"observed has no 'REG01', which 'REG01\+REG05' is compared with"):
        sc_c.pl.waterfall(answer, states.drop("REG01"), condition=NAME)
    with pytest.raises(InputError, match="holds no combination"):
        sc_c.pl.waterfall(answer[["REG03"]], states)
    with pytest.raises(InputError, match="no layer 'shift'"):
        sc_c.pl.waterfall(adata, adata)


def test_on_narrow_axes_names_do_not_meet(case, legible):
    from matplotlib import pyplot as plt

    _, ax = plt.subplots(figsize=(5, 4), layout="constrained")
    sc_c.pl.waterfall(*case, condition=NAME, n_genes=50, ax=ax)
    assert "50 genes" in ax.child_axes[1].get_xlabel()
    legible(ax.get_figure())


def test_conventions(case):
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before = dict(mpl.rcParams)
    fig, ax = plt.subplots()
    assert sc_c.pl.waterfall(*case, condition=NAME, ax=ax) is ax
    assert sc_c.pl.waterfall(*case, condition=NAME, ax=ax, return_fig=True) is fig
    assert dict(mpl.rcParams) == before
